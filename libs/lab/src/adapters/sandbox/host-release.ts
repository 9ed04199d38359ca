import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { findReleaseSource, type ReleaseSource } from '../../domain/apt-sources.js';
import { mustRun } from './run-command.js';

/** What this machine runs, and where more of the same comes from. Goldens are built from it. */
export interface HostRelease {
  /** OS stream, e.g. `debian-12-amd64`. */
  readonly stream: string;
  readonly codename: string;
  readonly architecture: string;
  readonly source: ReleaseSource;
  /** SHA-256 of the release suite's index as this machine knows it: another one means other packages. */
  readonly indexSha256: string;
}

/** @throws NoReleaseSource when this machine has no source for its own release */
export async function hostRelease(): Promise<HostRelease> {
  const { id, versionId, codename } = await osRelease();
  const architecture = (await mustRun('Asking dpkg', ['dpkg', '--print-architecture'])).stdout.trim();
  const source = findReleaseSource(await sourcesFiles(), codename);
  return {
    stream: `${id}-${versionId}-${architecture}`,
    codename,
    architecture,
    source,
    indexSha256: await indexDigest(source),
  };
}

/** Fields of os-release(5). */
async function osRelease(): Promise<{ id: string; versionId: string; codename: string }> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (name: string): string => new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  return { id: field('ID'), versionId: field('VERSION_ID'), codename: field('VERSION_CODENAME') };
}

async function sourcesFiles(): Promise<{ name: string; text: string }[]> {
  const parts = await readdir('/etc/apt/sources.list.d').catch(() => []);
  const names = ['/etc/apt/sources.list', ...parts.sort().map((name) => `/etc/apt/sources.list.d/${name}`)];
  const wanted = names.filter((name) => /\.(list|sources)$/.test(name));
  return Promise.all(wanted.map(async (name) => ({ name, text: await readFile(name, 'utf8').catch(() => '') })));
}

/** apt keeps an index under its address, with slashes as underscores. */
async function indexDigest(source: ReleaseSource): Promise<string> {
  const directory = '/var/lib/apt/lists';
  const address = source.uri
    .replace(/^[a-z0-9+]+:\/\//, '')
    .replace(/\/$/, '')
    .replaceAll('/', '_');
  const text = await readFile(path.join(directory, `${address}_dists_${source.suite}_InRelease`)).catch(() => '');
  return createHash('sha256').update(text).digest('hex');
}
