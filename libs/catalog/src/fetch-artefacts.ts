import type { Artefact } from '@vouch/contracts';
import { audit, shared, type Clock, type ContentStore, type Database } from '@vouch/platform';
import { downloadArtefact } from './adapters/debian/artefact-download.js';
import { ArtefactDigestMismatch, ArtefactNotAPackage, MirrorUnreachable } from './domain/errors.js';

/** Brings the bytes under test into the content store. Bytes that are not what the index names make a revision suspect. */
export class FetchArtefacts {
  constructor(
    private readonly database: Database,
    private readonly store: ContentStore,
    private readonly clock: Clock,
  ) {}

  /**
   * @returns null when all are stored, else the reason in a sentence. A mirror that is away is tried again later; wrong
   *   bytes are not.
   */
  async fetch(revisionId: string, artefacts: readonly Artefact[]): Promise<string | null> {
    const [source] = await this.database.read<{ uri: string }>(
      shared,
      `select s.definition->>'uri' as uri from catalog_revision r join catalog_patch p on p.id = r.patch_id
         join catalog_source s on s.id = p.source_id where r.id = $1`,
      [revisionId],
    );
    if (!source) return 'The revision is not known.';
    for (const artefact of artefacts) {
      try {
        await downloadArtefact(source.uri, artefact, this.store);
        await this.note(artefact, 'stored', '');
      } catch (error) {
        if (error instanceof MirrorUnreachable) return error.message;
        if (!(error instanceof ArtefactDigestMismatch) && !(error instanceof ArtefactNotAPackage)) throw error;
        await this.note(artefact, 'refused', error.message);
        await this.suspect(revisionId, error.message);
        return error.message;
      }
    }
    return null;
  }

  private async note(artefact: Artefact, state: 'stored' | 'refused', reason: string): Promise<void> {
    await this.database.transaction(shared, (tx) =>
      tx.query(
        `insert into catalog_artefact_file (sha256, size_bytes, state, reason, at) values ($1, $2, $3, $4, $5)
         on conflict (sha256) do update set state = excluded.state, reason = excluded.reason, at = excluded.at
          where catalog_artefact_file.state <> excluded.state`,
        [artefact.sha256, artefact.sizeBytes, state, reason, this.clock()],
      ),
    );
  }

  private async suspect(revisionId: string, reason: string): Promise<void> {
    await this.database.transaction(shared, async (tx) => {
      await tx.query(`update catalog_revision set state = 'suspect', reason = $2 where id = $1`, [revisionId, reason]);
      audit(tx, {
        tenantId: null,
        at: this.clock(),
        actor: 'platform',
        action: 'revision.suspect',
        subject: `revision:${revisionId}`,
        why: reason,
      });
    });
  }
}
