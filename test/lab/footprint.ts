import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_EVERY_MS = 150;
const NAMESPACES = ['user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup'] as const;
/** What a lab's directory has while something goes on in it, and not afterwards. */
const PASSING = ['markers', 'machines', 'kept', 'vms'];
/** What it keeps has other names while it is half made. */
const KEPT = ['layers', 'goldens', 'controls', 'vm-goldens'];
const HALF_MADE = /^\.part-|\.part$/;

/**
 * Everything that this process and those below it take of the host between a beginning and an end: processes,
 * namespaces, control groups, mounts, and files of a lab's directory. It looks again and again, so that it also knows
 * those that have lost their parents since.
 */
export class Footprint {
  private readonly before = new Set<string>();
  private readonly seen = new Set<string>();
  private readonly looking: NodeJS.Timeout;

  /** @param directory of a lab that nobody else uses meanwhile; absent: its files are not looked at */
  constructor(private readonly directory?: string) {
    for (const trace of [...this.held(), ...this.lying()]) this.before.add(trace);
    this.looking = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
  }

  /** How many processes, namespaces and control groups were seen: a test of nothing would leave nothing. */
  get size(): number {
    return this.seen.size;
  }

  /** What is left of it, once whatever was killed has had a moment to end. */
  async left(): Promise<string[]> {
    this.look();
    clearInterval(this.looking);
    for (let patience = 60; patience > 0 && this.remaining().length > 0; patience--) await sleep(50);
    return this.remaining();
  }

  private look(): void {
    for (const trace of this.held()) if (!this.before.has(trace)) this.seen.add(trace);
  }

  private remaining(): string[] {
    // The number of a namespace that has ended is given again: what runs below another test's process is that test's.
    const others = new Set(descendants(process.ppid));
    for (const pid of [process.pid, ...descendants(process.pid)]) others.delete(pid);
    const now = new Set<string>();
    for (const pid of pids()) if (!others.has(pid)) for (const trace of tracesOf(pid)) now.add(trace);
    const still = [...this.seen].filter((trace) =>
      trace.startsWith('group ') ? existsSync(trace.slice('group '.length)) : now.has(trace),
    );
    return [...still, ...this.lying().filter((trace) => !this.before.has(trace))].sort();
  }

  /** By this process's descendants. Their namespaces are those that it does not have itself. */
  private held(): string[] {
    const own = new Set(tracesOf(process.pid));
    return descendants(process.pid).flatMap((pid) => tracesOf(pid).filter((trace) => !own.has(trace)));
  }

  private lying(): string[] {
    const { directory } = this;
    if (directory === undefined) return [];
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
    return [
      ...mounts.filter((line) => line.includes(directory)).map((line) => `mount ${line}`),
      ...PASSING.flatMap((folder) => namesIn(path.join(directory, folder))),
      ...KEPT.flatMap((folder) => namesIn(path.join(directory, folder)).filter((name) => HALF_MADE.test(name))),
    ];
  }
}

const namesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);
const pids = (): number[] => readdirSync('/proc').map(Number).filter(Number.isInteger);

function descendants(ancestor: number): number[] {
  const children = new Map<number, number[]>();
  for (const pid of pids()) {
    const parent = Number(statOf(pid)[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const below = (pid: number): number[] => (children.get(pid) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(ancestor);
}

/** Fields of /proc/PID/stat from the third on, see proc(5); none when there is no such process. */
function statOf(pid: number): string[] {
  const stat = orEmpty(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function tracesOf(pid: number): string[] {
  const stat = statOf(pid);
  if (stat[0] === '' || stat[0] === 'Z') return [];
  const groups = orEmpty(() => readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
  return [
    `process ${pid} since ${stat[19]}`,
    ...NAMESPACES.map((kind) => orEmpty(() => readlinkSync(`/proc/${pid}/ns/${kind}`))),
    ...[...groups.matchAll(/^[^:]*:([^:]*):(.*?\/vouch-[^/\n]*)/gm)].flatMap(([, controllers = '', group = '']) =>
      cgroupMounts(controllers).map((mount) => `group ${path.join(mount, group)}`),
    ),
  ].filter((trace) => trace !== '');
}

/** Where a hierarchy of control groups is mounted, by its controllers; the second version has none to its name. */
function cgroupMounts(controllers: string): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
  return mounts.flatMap(([, mount = '', type, options = '']) =>
    (controllers === '' ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes(controllers))
      ? [mount]
      : [],
  );
}

function orEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
