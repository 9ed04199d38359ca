import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * Where the files of runs lie while they go on, for the runner of this name alone. What a killed runner of the name had
 * fetched is of no use to anybody, and goes.
 */
export async function openWorkDir(dataDir: string, runner: string): Promise<string> {
  const workDir = path.join(dataDir, 'lab-work', encodeURIComponent(runner));
  await rm(workDir, { recursive: true, force: true });
  await mkdir(workDir, { recursive: true });
  return workDir;
}
