import { readFile } from 'node:fs/promises';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot: field 22 of /proc/PID/stat, see proc(5). */
  readonly startTime: string;
  /** A new one with every boot of the host. */
  readonly bootId: string;
}

/** Identifies a running process, or says that there is none. A dead one that nobody has waited for yet is none. */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field is the program's name in parentheses; it may itself contain spaces and parentheses.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTime = fields[18];
  if (startTime === undefined || state === 'Z' || state === 'X') return null;
  return { pid, startTime, bootId: await bootId() };
}

export async function isAlive(process: ProcessIdentity): Promise<boolean> {
  const now = await identify(process.pid);
  return now !== null && now.startTime === process.startTime && now.bootId === process.bootId;
}

export async function thisProcess(): Promise<ProcessIdentity> {
  const self = await identify(process.pid);
  if (self === null) throw new Error('/proc is not mounted: mount it, since processes are told apart by it.');
  return self;
}

const bootId = async (): Promise<string> => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
