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
  /** What its processes may take as much of as they like, since this host offers no limit for it. */
  readonly unlimited: readonly Limited[];
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

export type Limited = 'memory' | 'processes';

/** Each limit, with its controller and its file in the second and in the first version of control groups. */
const LIMITS: readonly {
  readonly of: Limited;
  readonly controller: string;
  readonly v2: string;
  readonly v1: string;
}[] = [
  { of: 'memory', controller: 'memory', v2: 'memory.max', v1: 'memory.limit_in_bytes' },
  { of: 'processes', controller: 'pids', v2: 'pids.max', v1: 'pids.max' },
];

/** Where the control groups of one boot of a machine are to be. */
export interface GroupPlace {
  /** All that may be made, the delegated one first: who writes them down first can remove them after a crash. */
  readonly directories: readonly string[];
  readonly parent: string;
  /** Directories of the first version, by controller. */
  readonly v1: ReadonlyMap<string, string>;
}

/**
 * The control groups of one boot of a machine: a cgroup2 directory that its systemd owns, and, where the host offers
 * the controllers (in either version), limits for memory and processes.
 */
export class ControlGroup implements MachineGroup {
  private constructor(
    /** All directories made, the delegated one first. */
    readonly directories: readonly string[],
    readonly unlimited: readonly Limited[],
  ) {}

  /** Chooses names that nobody else has, and makes nothing yet. @throws NoControlGroup */
  static async place(name: string): Promise<GroupPlace> {
    const unique = `vouch-${name}-${randomBytes(4).toString('hex')}`;
    const mounts = await cgroupMounts();
    const parent = await ownDirectory(mounts);
    const v1 = new Map(
      LIMITS.flatMap(({ controller }) => {
        const mount = mounts.v1.get(controller);
        return mount === undefined ? [] : [[controller, path.join(mount, unique)] as const];
      }),
    );
    return { directories: [path.join(parent, unique), ...v1.values()], parent, v1 };
  }

  /** @throws NoControlGroup; nothing is left then */
  static async create(
    { directories: [delegated = ''], parent, v1 }: GroupPlace,
    owner: { readonly uid: number; readonly gid: number },
    limits: ResourceLimits,
  ): Promise<ControlGroup> {
    await offerControllers(
      parent,
      LIMITS.map(({ controller }) => controller),
    );
    const made = [delegated];
    try {
      await mkdir(delegated);
      for (const file of DELEGATED) await chown(path.join(delegated, file), owner.uid, owner.gid);
    } catch (error) {
      await removeTree(delegated);
      throw new NoControlGroup(error instanceof Error ? error.message : String(error));
    }
    const unlimited: Limited[] = [];
    for (const limit of LIMITS) {
      const value = limit.of === 'memory' ? limits.memoryBytes : limits.processes;
      if (await write(path.join(delegated, limit.v2), value)) continue;
      const directory = v1.get(limit.controller);
      const usable = directory !== undefined && (await mkdir(directory).then(yes, no));
      if (usable) made.push(directory);
      if (!usable || !(await write(path.join(directory, limit.v1), value))) unlimited.push(limit.of);
    }
    return new ControlGroup(made, unlimited);
  }

  /**
   * The command that runs `argv` in these groups, from a process that may still write to them.
   * @param leaf child of the delegated group, for processes that join a machine whose systemd has taken the group over:
   *   a group with children that are limited may not hold processes itself
   */
  enter(argv: readonly string[], leaf = ''): string[] {
    const [delegated = '', ...limiting] = this.directories;
    const files = [path.join(delegated, leaf), ...limiting].map((directory) => `${directory}/cgroup.procs`);
    const join = `for f in ${files.join(' ')}; do echo $$ > "$f" || exit 125; done`;
    // What the shell puts into the environment by itself is not for the command.
    return ['sh', '-c', `${join}; unset PWD OLDPWD; exec "$@"`, 'sh', ...argv];
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
  const directory = path.join(mounts.v2, path.basename(own) === RUNNER_LEAF ? path.dirname(own) : own);
  await access(directory, constants.W_OK).catch(() => {
    throw new NoControlGroup(`${directory} is not writable`);
  });
  return directory;
}

/** Where the runner itself goes when its own group is to have limited children; see cgroups(7), "no internal processes". */
const RUNNER_LEAF = 'vouch-runner';

/** Lets the children of a group have controllers, as far as this host and its rights allow. */
async function offerControllers(parent: string, controllers: readonly string[]): Promise<void> {
  const words = async (file: string): Promise<string[]> =>
    (await readFile(path.join(parent, file), 'utf8').catch(() => '')).split(/\s+/).filter((word) => word !== '');
  const offered = await words('cgroup.controllers');
  const given = await words('cgroup.subtree_control');
  const lacking = controllers.filter((name) => offered.includes(name) && !given.includes(name));
  if (lacking.length === 0) return;
  const give = async (): Promise<boolean> => {
    const answers = await Promise.all(
      lacking.map((name) => write(path.join(parent, 'cgroup.subtree_control'), `+${name}`)),
    );
    return answers.every((answer) => answer);
  };
  if ((await give()) || process.getuid?.() === 0) return;
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8').catch(() => '');
  const ours = new Set([String(process.pid), ...children.split(' ')]);
  const inside = await words('cgroup.procs');
  // Others' processes are not ours to move.
  if (!inside.every((pid) => ours.has(pid))) return;
  const leaf = path.join(parent, RUNNER_LEAF);
  await mkdir(leaf, { recursive: true }).catch(() => undefined);
  for (const pid of inside) await write(path.join(leaf, 'cgroup.procs'), pid);
  await give();
}

const yes = (): boolean => true;
const no = (): boolean => false;

const write = (file: string, value: number | string): Promise<boolean> => writeFile(file, `${value}\n`).then(yes, no);

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
