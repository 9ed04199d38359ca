import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

/** What a machine that is kept stands on. */
const Record = z.object({ layers: z.array(z.string()) });

const fileOf = (directory: string, machine: string): string => path.join(directory, 'kept', `${machine}.json`);

/** Writes down which layers a machine that lasts stands on, before it is there. */
export async function noteKept(directory: string, machine: string, layers: readonly string[]): Promise<void> {
  const file = fileOf(directory, machine);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.part`, JSON.stringify({ layers }));
  await rename(`${file}.part`, file);
}

export async function forgetKept(directory: string, machine: string): Promise<void> {
  await rm(fileOf(directory, machine), { force: true });
}

/** Layers that machines which are kept stand on; null when that is unknown of one of them. */
export async function keptMachines(directory: string): Promise<Set<string> | null> {
  const used = new Set<string>();
  for (const machine of await readdir(path.join(directory, 'machines')).catch(() => [])) {
    try {
      const { layers } = Record.parse(JSON.parse(await readFile(fileOf(directory, machine), 'utf8')));
      for (const layer of layers) used.add(layer);
    } catch {
      return null;
    }
  }
  return used;
}
