import fs from 'node:fs/promises';
import path from 'node:path';
import {
  chooseSources,
  parseDeb822Sources,
  parseOneLineSources,
  type AptSource,
  type ChosenSource,
} from '../../domain/apt-sources.js';

export interface ConfiguredSources {
  /** OS stream of the machine, e.g. `debian-12-amd64`. */
  readonly stream: string;
  readonly distribution: string;
  readonly codename: string;
  readonly architecture: string;
  readonly sources: readonly ChosenSource[];
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Reads what this machine's own apt is configured to read: no address of a mirror stands in our code. */
export async function configuredSources(root = '/'): Promise<ConfiguredSources> {
  const os = osRelease(await read(path.join(root, 'etc/os-release')));
  const folder = path.join(root, 'etc/apt/sources.list.d');
  const sources: AptSource[] = parseOneLineSources(await read(path.join(root, 'etc/apt/sources.list')));
  for (const name of (await fs.readdir(folder).catch(() => [])).sort()) {
    const text = await read(path.join(folder, name));
    if (name.endsWith('.sources')) sources.push(...parseDeb822Sources(text));
    if (name.endsWith('.list')) sources.push(...parseOneLineSources(text));
  }
  const architecture = ARCHITECTURES[process.arch] ?? process.arch;
  const codename = os.get('VERSION_CODENAME') ?? '';
  const id = os.get('ID') ?? 'linux';
  return {
    stream: `${id}-${os.get('VERSION_ID') ?? '0'}-${architecture}`,
    distribution: os.get('NAME') ?? id,
    codename,
    architecture,
    sources: chooseSources(sources, codename),
  };
}

function osRelease(text: string): Map<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const found = /^([A-Z_]+)="?([^"]*)"?$/.exec(line.trim());
      return found?.[1] === undefined ? [] : [[found[1], found[2] ?? ''] as const];
    }),
  );
}

const read = (file: string): Promise<string> => fs.readFile(file, 'utf8').catch(() => '');
