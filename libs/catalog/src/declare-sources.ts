import type { Tx } from '@vouch/platform';
import type { ConfiguredSources } from './adapters/debian/configured-sources.js';

/** Makes the sources that this machine's apt is configured to read known to the catalog. A changed mirror is followed. */
export async function declareSources(
  tx: Tx,
  { stream, distribution, architecture, sources }: ConfiguredSources,
): Promise<void> {
  for (const source of sources) {
    await tx.query(
      `insert into catalog_source (id, stream, title, kind, definition) values ($1, $2, $3, 'debian', $4)
       on conflict (id) do update set definition = excluded.definition, title = excluded.title`,
      [
        `${stream}-${source.kind}`,
        stream,
        `${distribution} ${source.suite} (${source.kind === 'security' ? 'security updates' : 'release'})`,
        JSON.stringify({ ...source, architecture }),
      ],
    );
  }
}
