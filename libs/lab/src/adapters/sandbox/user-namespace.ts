import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { firstLineOf } from '../host/first-line.js';
import { subordinateIds, type IdRange } from './id-range.js';
import { mustRun, runCommand, type CommandOptions, type CommandResult } from '../host/run-command.js';

/** The kernel, or somebody's policy for it, refuses user namespaces. */
export class UserNamespaceRefused extends Error {
  readonly code = 'user-namespace-refused';
  constructor(detail: string) {
    super(
      `This machine refuses to make a user namespace (${detail}): allow unprivileged user namespaces (user.max_user_namespaces, AppArmor or container policy).`,
    );
    this.name = 'UserNamespaceRefused';
  }
}

/**
 * A user namespace, held open by a process that waits. Its root is an ordinary, powerless user of the host, also when
 * this process is root: whatever a vendor's package does inside, it does as nobody.
 *
 * The holder's standard input is a pipe from this process, so it ends when this process ends, however that happens.
 */
export class UserNamespace {
  private constructor(
    private readonly holder: ChildProcess,
    readonly pid: number,
    /** Host's ids of the namespace's root user and group. */
    readonly root: { readonly uid: number; readonly gid: number },
    private readonly directory: string,
  ) {}

  /**
   * @param directory working directory of everything run inside, so that inside only relative paths are needed and the
   *   directories above may be closed to others
   * @throws UserNamespaceRefused, NoSubordinateIds, CommandFailed
   */
  static async open(directory: string): Promise<UserNamespace> {
    const asRoot = process.getuid?.() === 0;
    const uids = await subordinateIds('/etc/subuid');
    const gids = await subordinateIds('/etc/subgid');
    const root = asRoot
      ? { uid: uids.first, gid: gids.first }
      : { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 };
    // Born as the namespace's root: an unmapped user would lose its capabilities at the first exec.
    const holder = spawnHolder(directory, asRoot ? root : {});
    await firstLineOf(holder, 'ready').catch((error: Error) => {
      throw new UserNamespaceRefused(error.message);
    });
    const pid = holder.pid ?? -1;
    if (asRoot) {
      await writeFile(`/proc/${pid}/uid_map`, `0 ${uids.first} ${uids.count}\n`);
      await writeFile(`/proc/${pid}/gid_map`, `0 ${gids.first} ${gids.count}\n`);
    } else {
      await mustRun('newuidmap', ['newuidmap', String(pid), ...ownIdThen(root.uid, uids)]);
      await mustRun('newgidmap', ['newgidmap', String(pid), ...ownIdThen(root.gid, gids)]);
    }
    return new UserNamespace(holder, pid, root, directory);
  }

  /** The command that runs `argv` as root of this namespace, in the host's other namespaces. */
  enter(argv: readonly string[]): string[] {
    return ['nsenter', '--target', String(this.pid), '--user', '--', ...argv];
  }

  /** Runs a program as root of this namespace, in its directory. */
  run(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand(this.enter(argv), { cwd: this.directory, ...options });
  }

  /** Runs a program that has to succeed. @throws CommandFailed */
  mustRun(what: string, argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return mustRun(what, this.enter(argv), { cwd: this.directory, ...options });
  }

  /** Lets go of the namespace; it lasts until its last process has ended. */
  async close(): Promise<void> {
    if (this.holder.exitCode !== null || this.holder.signalCode !== null) return;
    const ended = once(this.holder, 'exit');
    this.holder.stdin?.end();
    await ended;
  }
}

/** @throws UserNamespaceRefused at once when the host does not even know the ids, as in most containers */
function spawnHolder(directory: string, as: { uid?: number; gid?: number }): ChildProcess {
  const options = { cwd: directory, stdio: ['pipe', 'pipe', 'pipe'] as ['pipe', 'pipe', 'pipe'], ...as };
  try {
    return spawn('unshare', ['--user', '--', 'sh', '-c', 'echo ready; cat'], options);
  } catch (error) {
    throw new UserNamespaceRefused(error instanceof Error ? error.message : String(error));
  }
}

/** Inside, 0 is the user itself and 1 upwards are its subordinate ids: what newuidmap(1) allows an ordinary user. */
const ownIdThen = (own: number, range: IdRange): string[] =>
  ['0', own, '1', '1', range.first, range.count - 1].map(String);
