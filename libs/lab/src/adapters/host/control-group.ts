import { randomBytes } from 'node:crypto';
import { access, chown, constants, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** No control group can be handed to a machine, and systemd does not start without one. */
export class NoControlGroup extends Error {
  readonly code = 'no-control-group';
  constructor(detail: string) {
    super(
      `No cgroup v2 directory can be given to a machine (${detail}): run as root, or under a user service with Delegate=yes.`,
    );
    this.name = 'NoControlGroup';
  }
}

export interface ResourceLimits {
  readonly memoryBytes: number;
  readonly processes: number;
}

/** What bounds the processes of one boot of a machine, and knows what they take. */
export interface MachineGroup {
  /** Directories of control groups that were made for it, the delegated one first. */
  readonly directories: readonly string[];
  /** The command that runs `argv` inside. @param leaf see {@link ControlGroup.enter} */
  enter(argv: readonly string[], leaf?: string): string[];
  addLeaf(leaf: string): Promise<void>;
  /** 0 for what this host does not count. */
  usage(): Promise<{ memoryBytes: number; processorMs: number }>;
  /** Which limit stopped the processes from going on, in words; null when none is known to have done so. */
  exhausted(): Promise<string | null>;
}

/** Files of a cgroup that its new owner may write; the limits stay ours. See cgroups(7), "Delegation". */
const DELEGATED = ['', 'cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control'];

/** Limits as files of the second and of the first version of control groups. */
const LIMIT_FILES = {
  v2: { memory: 'memory.max', pids: 'pids.max' },
  v1: { memory: 'memory.limit_in_bytes', pids: 'pids.max' },
} as const;

/**
 * The control groups of one boot of a machine: a cgroup2 directory that its systemd owns, and, where the host offers
 * the controllers (in either version), limits for memory and processes.
 */
export class ControlGroup implements MachineGroup {
  private constructor(
    /** All directories made, the delegated one first. */
    readonly directories: readonly string[],
  ) {}

  /** @throws NoControlGroup */
  static async create(
    name: string,
    owner: { readonly uid: number; readonly gid: number },
    limits: ResourceLimits,
  ): Promise<ControlGroup> {
    const unique = `vouch-${name}-${randomBytes(4).toString('hex')}`;
    const mounts = await cgroupMounts();
    const parent = await ownDirectory(mounts);
    const delegated = path.join(parent, unique);
    const made = [delegated];
    try {
      await mkdir(delegated);
      for (const file of DELEGATED) await chown(path.join(delegated, file), owner.uid, owner.gid);
    } catch (error) {
      await removeTree(delegated);
      throw new NoControlGroup(error instanceof Error ? error.message : String(error));
    }
    for (const [controller, value] of [
      ['memory', limits.memoryBytes],
      ['pids', limits.processes],
    ] as const) {
      // Limits are a second fence behind time limits and the size of the upper layer: not every host offers them.
      if (await write(path.join(delegated, LIMIT_FILES.v2[controller]), value)) continue;
      const v1 = mounts.v1.get(controller);
      if (v1 === undefined) continue;
      const directory = path.join(v1, unique);
      const usable = await mkdir(directory).then(
        () => true,
        () => false,
      );
      if (usable) made.push(directory);
      if (usable) await write(path.join(directory, LIMIT_FILES.v1[controller]), value);
    }
    return new ControlGroup(made);
  }

  /**
   * The command that runs `argv` in these groups, from a process that may still write to them.
   * @param leaf child of the delegated group, for processes that join a machine whose systemd has taken the group over:
   *   a group with children that are limited may not hold processes itself
   */
  enter(argv: readonly string[], leaf = ''): string[] {
    const [delegated = '', ...limiting] = this.directories;
    const files = [path.join(delegated, leaf), ...limiting].map((directory) => `${directory}/cgroup.procs`);
    return ['sh', '-c', `for f in ${files.join(' ')}; do echo $$ > "$f" || exit 125; done; exec "$@"`, 'sh', ...argv];
  }

  /** Makes a child of the delegated group. */
  async addLeaf(leaf: string): Promise<void> {
    await mkdir(path.join(this.directories[0] ?? '', leaf), { recursive: true });
  }

  /** What the processes of the groups take; 0 for what this host does not count. */
  async usage(): Promise<{ memoryBytes: number; processorMs: number }> {
    const [delegated = '', ...limiting] = this.directories;
    const candidates = [
      path.join(delegated, 'memory.current'),
      ...limiting.map((d) => path.join(d, 'memory.usage_in_bytes')),
    ];
    const texts = await Promise.all(candidates.map((file) => readFile(file, 'utf8').catch(() => '')));
    const cpu = await readFile(path.join(delegated, 'cpu.stat'), 'utf8').catch(() => '');
    const micros = Number(/^usage_usec (\d+)$/m.exec(cpu)?.[1] ?? 0);
    return { memoryBytes: Math.max(0, ...texts.map(Number)), processorMs: Math.round(micros / 1000) };
  }

  /** Which limit stopped the groups' processes from going on, in words; null when none did. */
  async exhausted(): Promise<string | null> {
    const read = (name: string): Promise<string[]> =>
      Promise.all(this.directories.map((d) => readFile(path.join(d, name), 'utf8').catch(() => '')));
    const refused = (texts: readonly string[], pattern: RegExp): boolean =>
      texts.some((text) => Number(pattern.exec(text)?.[1] ?? 0) > 0);
    if (refused(await read('pids.events'), /^max (\d+)$/m)) return 'the machine may start no further process';
    const memory = [...(await read('memory.events')), ...(await read('memory.oom_control'))];
    if (refused(memory, /^oom_kill (\d+)$/m)) return 'the machine has used up its memory';
    return null;
  }

  /** Kills what is left in the groups and removes them, also from a record of an earlier process. */
  static async remove(directories: readonly string[]): Promise<void> {
    for (const directory of directories) {
      await write(path.join(directory, 'cgroup.kill'), 1);
      await removeTree(directory);
    }
  }
}

interface CgroupMounts {
  readonly v2: string | undefined;
  /** Mount point by controller. */
  readonly v1: ReadonlyMap<string, string>;
}

async function cgroupMounts(): Promise<CgroupMounts> {
  const lines = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  const v1 = new Map<string, string>();
  for (const [, mountPoint = '', type, options = ''] of lines) {
    if (type === 'cgroup') for (const option of options.split(',')) v1.set(option, mountPoint);
  }
  return { v2: lines.find(([, , type]) => type === 'cgroup2')?.[1], v1 };
}

/** Where new groups may be made: at the top for root, in its own (delegated) group for an ordinary user. */
async function ownDirectory(mounts: CgroupMounts): Promise<string> {
  if (mounts.v2 === undefined) throw new NoControlGroup('cgroup2 is not mounted');
  if (process.getuid?.() === 0) return mounts.v2;
  const own = /^0::(.*)$/m.exec(await readFile('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  const directory = path.join(mounts.v2, own);
  await access(directory, constants.W_OK).catch(() => {
    throw new NoControlGroup(`${directory} is not writable`);
  });
  return directory;
}

const write = (file: string, value: number): Promise<boolean> =>
  writeFile(file, `${value}\n`).then(
    () => true,
    () => false,
  );

/** Depth first, since the kernel removes empty groups only; a killed process may take a moment to leave its group. */
async function removeTree(directory: string): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeTree(path.join(directory, entry.name));
  for (let patience = 40; patience > 0; patience--) {
    const code = await rmdir(directory).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code,
    );
    if (code !== 'EBUSY') return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
