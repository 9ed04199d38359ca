import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { identify, type ProcessIdentity } from './process-identity.js';

export const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** The one process that a process has started. */
export async function onlyChild(pid: number): Promise<number> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim();
  return Number(children.split(' ')[0]);
}

/** Those of some processes that there are. */
export async function living(pids: readonly number[]): Promise<ProcessIdentity[]> {
  return (await Promise.all(pids.map((pid) => identify(pid)))).filter((identity) => identity !== null);
}

/** @returns false when there is no such process any more */
export function signal(pid: number, name: NodeJS.Signals | number): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
