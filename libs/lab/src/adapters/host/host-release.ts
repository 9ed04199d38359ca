import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { configuredSources, type AptSource } from '@vouch/catalog';

/** What this machine runs, and where more of the same comes from. Goldens are built from it. */
export interface HostRelease {
  /** OS stream, e.g. `debian-12-amd64`. */
  readonly stream: string;
  readonly source: AptSource;
  /** Stands for the release suite's index as this machine knows it: another one means other packages. */
  readonly indexSha256: string;
}

/** The machine's package sources name no release suite of its own distribution. */
export class NoReleaseSource extends Error {
  readonly code = 'no-release-source';
  constructor(codename: string) {
    super(
      `No package source of this machine offers the suite "${codename}": add one under /etc/apt/sources.list.d, since goldens are built from it.`,
    );
    this.name = 'NoReleaseSource';
  }
}

/** @throws NoReleaseSource when this machine has no source for its own release */
export async function hostRelease(): Promise<HostRelease> {
  const { stream, codename, sources } = await configuredSources();
  const source = sources.find(({ kind }) => kind === 'release');
  if (source === undefined) throw new NoReleaseSource(codename);
  return { stream, source, indexSha256: await indexDigest(source) };
}

/** apt keeps an index under its address, with slashes as underscores. */
async function indexDigest(source: AptSource): Promise<string> {
  const address = source.uri.replace(/^[a-z0-9+]+:\/\//, '').replaceAll('/', '_');
  const list = path.join('/var/lib/apt/lists', `${address}_dists_${source.suite}`);
  const read = (kind: string): Promise<Buffer | null> => readFile(`${list}_${kind}`).catch(() => null);
  return indexIdentity((await read('InRelease')) ?? (await read('Release')), new Date());
}

/**
 * SHA-256 of an index. Where this machine keeps none, nobody can tell whether the suite has changed: then what is built from it
 * counts for the month, and no longer.
 */
export function indexIdentity(index: Uint8Array | null, now: Date): string {
  const known = index !== null && index.length > 0 ? index : `no index in ${now.toISOString().slice(0, 7)}`;
  return createHash('sha256').update(known).digest('hex');
}
