import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

const Identity = z.object({ pid: z.int().positive(), startTime: z.string(), bootId: z.string() });

/** What a machine needs on its host, written down before it is made, so that a later process can remove it. */
const Marker = z.object({
  machine: z.string(),
  /** The process that runs the machine. While it lives, nobody else touches the machine. */
  owner: Identity,
  processes: z.array(Identity),
  /** Machines of libvirt, which live on without us. */
  domains: z.array(z.object({ uri: z.string(), name: z.string() })).default([]),
  controlGroups: z.array(z.string()),
});
export type Marker = z.infer<typeof Marker>;

const fileOf = (directory: string, machine: string): string => path.join(directory, 'markers', `${machine}.json`);

export async function writeMarker(directory: string, marker: z.input<typeof Marker>): Promise<void> {
  const file = fileOf(directory, marker.machine);
  await writeFile(`${file}.part`, JSON.stringify(marker));
  await rename(`${file}.part`, file);
}

export async function removeMarker(directory: string, machine: string): Promise<void> {
  await rm(fileOf(directory, machine), { force: true });
}

export async function readMarkers(directory: string): Promise<Marker[]> {
  const names = await readdir(path.join(directory, 'markers')).catch(() => []);
  const texts = await Promise.all(
    names
      .filter((name) => name.endsWith('.json'))
      .map((name) => readFile(path.join(directory, 'markers', name), 'utf8').catch(() => '')),
  );
  return texts.flatMap((text) => {
    const parsed = z.preprocess(parseJson, Marker).safeParse(text);
    return parsed.success ? [parsed.data] : [];
  });
}

function parseJson(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}
