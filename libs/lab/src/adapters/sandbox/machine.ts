import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { hasEnded, living, onlyChild, signal } from '../host/child-process.js';
import { ControlGroup, type Limited, type MachineGroup, type ResourceLimits } from '../host/control-group.js';
import { firstLineOf, NotReady } from '../host/first-line.js';
import { RestoreFailed } from '../../lab-driver.port.js';
import { BootFailed, type ResourceUse } from '../../lab-machine.port.js';
import { forgetKept, noteKept } from './kept-machines.js';
import { LayerStore, SYSTEM_PATH } from './layer-store.js';
import { MachineDisk } from './machine-disk.js';
import { bootScript, INSIDE, RESTORE_SCRIPT } from './machine-scripts.js';
import { removeMarker, writeMarker } from '../host/markers.js';
import type { PrivateNetwork } from './private-network.js';
import { identify, thisProcess, type ProcessIdentity } from '../host/process-identity.js';
import { CommandFailed, runCommand, type CommandOptions, type CommandResult } from '../host/run-command.js';
import { ProcessLimits } from '../host/process-limits.js';
import type { SandboxHost } from './sandbox-host.js';
import { isListening } from './systemd-listening.js';
import { UserNamespace } from './user-namespace.js';

export interface MachineOptions {
  /** Unique on its host: letters, digits, hyphens and dots. */
  readonly name: string;
  /** Layers of its file system, topmost first. */
  readonly layers: readonly string[];
  readonly hostname?: string;
  /** Where its writes go: to memory, gone with the machine, or to a directory that lasts until {@link Machine.discard}. */
  readonly storage: { readonly kind: 'memory'; readonly sizeMiB: number } | { readonly kind: 'kept' };
  /** Absent: nothing but its own loopback. */
  readonly network?: { readonly in: PrivateNetwork; readonly address: string };
  readonly limits?: ResourceLimits;
}

const MIB = 1024 ** 2;
/** What it writes to a disk in memory counts as its memory: a full disk must not look like used up memory. */
const defaultLimits = ({ storage }: MachineOptions): ResourceLimits => ({
  memoryBytes: (2048 + (storage.kind === 'memory' ? storage.sizeMiB : 0)) * MIB,
  processes: 2048,
});
/** "Halt the machine", see systemd(1), "Signals": SIGRTMIN+3, where the C library's SIGRTMIN is 34. */
const SIGNAL_HALT = 37;
/** Cgroup for what is run from outside. */
const EXEC_LEAF = 'vouch-exec';

/**
 * A Linux machine without a kernel of its own: layers under an upper file system, and its init as the first process of
 * its own user, mount, pid, network, ipc, uts and cgroup namespaces. It ends when this process ends, however that happens.
 */
export class Machine {
  /** What it may take as much of as it likes; known once it has booted. */
  unlimited: readonly Limited[] = [];
  readonly disk: MachineDisk;
  private boots = 0;
  private running: { process: ChildProcess; init: number; group: MachineGroup } | undefined;

  private constructor(
    private readonly host: SandboxHost,
    private readonly options: MachineOptions,
    private readonly namespace: UserNamespace,
    private readonly holder: ChildProcess,
    private readonly holderIdentity: ProcessIdentity,
  ) {
    const inMounts = this.inMounts.bind(this);
    this.disk = new MachineDisk(holder.pid ?? -1, options.storage.kind === 'memory', inMounts);
  }

  get name(): string {
    return this.options.name;
  }

  get isRunning(): boolean {
    return this.running !== undefined && !hasEnded(this.running.process);
  }

  /**
   * Puts a machine's file system together; {@link boot} starts it.
   * @throws RestoreFailed, UserNamespaceRefused
   */
  static async restore(host: SandboxHost, options: MachineOptions): Promise<Machine> {
    if (!/^[a-z0-9][a-z0-9.-]*$/i.test(options.name)) throw new TypeError(`"${options.name}" cannot name a machine.`);
    const namespace = options.network?.in.namespace ?? (await UserNamespace.open(host.directory));
    const { storage } = options;
    const env = {
      LOWER: LayerStore.stack(options.layers),
      HOSTNAME: options.hostname ?? options.name,
      ...(storage.kind === 'kept' ? { UPPER: `machines/${options.name}` } : { SIZE_MIB: String(storage.sizeMiB) }),
      PATH: SYSTEM_PATH,
    };
    if (storage.kind === 'kept') await noteKept(host.directory, options.name, options.layers);
    const [program = '', ...args] = namespace.enter([...PRIVATE_MOUNTS, RESTORE_SCRIPT]);
    const holder = spawn(program, args, { cwd: host.directory, env, stdio: ['pipe', 'pipe', 'pipe'] });
    try {
      await firstLineOf(holder, 'restored');
      const identity = await identify(holder.pid ?? -1);
      if (identity === null) throw new BootFailed(options.name, 'its holder ended at once');
      return new Machine(host, options, namespace, holder, identity);
    } catch (error) {
      holder.kill('SIGKILL');
      if (options.network === undefined) await namespace.close();
      throw error instanceof NotReady ? new RestoreFailed(options.name, error.message) : error;
    }
  }

  /** Restores and boots. @throws BootFailed, and what {@link restore} throws; nothing is left then */
  static async start(host: SandboxHost, options: MachineOptions, bootLimitMs = 60_000): Promise<Machine> {
    const machine = await Machine.restore(host, options);
    try {
      await machine.boot(bootLimitMs);
      return machine;
    } catch (error) {
      await machine.release();
      throw error;
    }
  }

  /**
   * Boots and waits until systemd has started what it was going to start.
   * @throws BootFailed
   */
  async boot(limitMs = 60_000): Promise<void> {
    if (this.running !== undefined) throw new BootFailed(this.name, 'it is running already');
    const deadline = performance.now() + limitMs;
    const { network, hostname = this.name, limits = defaultLimits(this.options) } = this.options;
    const group = await this.bound(limits);
    const env = { HOSTNAME: hostname, ADDRESS: network?.address ?? '', PATH: SYSTEM_PATH };
    const [program = '', ...args] = group.enter(this.inMounts([...FRESH_NAMESPACES, bootScript(this.host.init)]));
    const child = spawn(program, args, { cwd: this.host.directory, env, stdio: ['pipe', 'pipe', 'pipe'] });
    const pid = child.pid ?? -1;
    try {
      await firstLineOf(child, 'waiting');
      const init = await onlyChild(pid);
      this.running = { process: child, init, group };
      await group.addLeaf(EXEC_LEAF);
      await this.mark(group.directories, await living([pid, init]));
      await network?.in.connect(init, this.name);
      child.stdin?.end('go\n');
      await this.ready(deadline);
    } catch (error) {
      await this.halt(0);
      child.kill('SIGKILL');
      await ControlGroup.remove(group.directories);
      const known = error instanceof CommandFailed || error instanceof NotReady;
      throw known ? new BootFailed(this.name, error.message) : error;
    }
  }

  /**
   * Runs a program inside, as root, with a clean environment.
   * @param command program and arguments, or a script for `sh`
   */
  exec(command: readonly string[] | string, options: CommandOptions = {}): Promise<CommandResult> {
    if (this.running === undefined) throw new BootFailed(this.name, 'it is not running');
    const { init, group } = this.running;
    const argv = typeof command === 'string' ? ['sh', '-c', command] : command;
    const enter = ['nsenter', '-t', String(init), ...'-U -m -u -i -n -p -C -r -w --'.split(' ')];
    return runCommand(group.enter([...enter, ...argv], EXEC_LEAF), { ...options, env: INSIDE[this.host.init] });
  }

  /** Runs a program that has to succeed. @throws CommandFailed */
  async mustExec(what: string, command: readonly string[] | string, options: CommandOptions = {}): Promise<string> {
    const result = await this.exec(command, options);
    if (result.exitCode !== 0) throw new CommandFailed(what, result);
    return result.stdout;
  }

  /** Writes a file inside. @param mode as chmod(1) takes it @throws CommandFailed */
  async put(file: string, content: string | Uint8Array | Readable, mode = '0644'): Promise<void> {
    const result = await this.write(file, content, mode);
    if (result.exitCode !== 0) throw new CommandFailed(`Writing ${file}`, result);
  }

  /** Tries to write a file inside. */
  write(
    file: string,
    content: string | Uint8Array | Readable,
    mode: string,
    options: CommandOptions = {},
  ): Promise<CommandResult> {
    const script = 'd=${1%/*}; [ -d "${d:-/}" ] || mkdir -p "$d"; cat > "$1" && chmod "$2" "$1"';
    return this.exec(['sh', '-c', script, 'sh', file, mode], { ...options, stdin: content });
  }

  /** Reads a text file inside. */
  get(file: string): Promise<string> {
    return this.mustExec(`Reading ${file}`, ['cat', '--', file]);
  }

  /** What the machine takes now; processor time since its last boot, where the host counts it. */
  async usage(): Promise<ResourceUse> {
    const { memoryBytes, processorMs } = (await this.running?.group.usage()) ?? { memoryBytes: 0, processorMs: 0 };
    return { memoryBytes, processorMs, writtenBytes: await this.disk.writtenBytes() };
  }

  /** What the machine has used up, so that it cannot work any more, in a sentence; null when it could. */
  async exhausted(): Promise<string | null> {
    const limit = await this.running?.group.exhausted();
    if (typeof limit === 'string') return `${limit}.`;
    return (await this.disk.isFull()) ? 'the disk of the machine is full.' : null;
  }

  /** Shuts systemd down in order, and kills what is left after the limit. */
  async stop(limitMs = 30_000): Promise<void> {
    await this.halt(limitMs);
  }

  /** Stops and boots again on the same file system. @throws BootFailed */
  async reboot(limitMs = 60_000): Promise<void> {
    await this.stop(limitMs);
    await this.boot(limitMs);
  }

  /** Ends the machine at once. What it kept stays for the next start. */
  async release(): Promise<void> {
    await this.halt(0);
    const ended = hasEnded(this.holder) ? undefined : once(this.holder, 'exit');
    this.holder.kill('SIGKILL');
    await ended;
    if (this.options.network === undefined) await this.namespace.close();
    await removeMarker(this.host.directory, this.name);
  }

  /** Ends the machine at once and removes everything it wrote. */
  async discard(): Promise<void> {
    await this.release();
    if (this.options.storage.kind !== 'kept') return;
    await this.host.remove(`machines/${this.name}`);
    await forgetKept(this.host.directory, this.name);
  }

  private async ready(deadline: number): Promise<void> {
    let state = 'unknown';
    while (performance.now() < deadline) {
      if (this.running === undefined || hasEnded(this.running.process))
        throw new BootFailed(this.name, 'its systemd has ended');
      if (this.host.init === 'systemd' && !(await isListening(this.running.init))) {
        await sleep(30);
        continue;
      }
      const limit = Math.max(1, deadline - performance.now());
      // Waits for the end of the start; it fails at once where nobody could see yet whether systemd listens.
      const result = await this.exec(['systemctl', 'is-system-running', '--wait'], { timeoutMs: limit });
      state = result.stdout.trim() || result.stderr.trim() || state;
      if (state === 'running' || state === 'degraded') return;
      await sleep(30);
    }
    throw new BootFailed(this.name, `systemd still says "${state}" at the time limit`);
  }

  private async halt(limitMs: number): Promise<void> {
    if (this.running === undefined) return;
    const { process: child, init, group } = this.running;
    this.running = undefined;
    const ended = hasEnded(child) ? Promise.resolve() : once(child, 'exit');
    if (limitMs > 0 && !hasEnded(child) && signal(init, SIGNAL_HALT)) {
      const giveUp = new AbortController();
      await Promise.race([ended, sleep(limitMs, undefined, { signal: giveUp.signal }).catch(() => undefined)]);
      giveUp.abort();
    }
    if (!hasEnded(child)) signal(init, 'SIGKILL');
    await ended;
    await ControlGroup.remove(group.directories);
  }

  /** What is made is written down first: whoever comes after a crash finds it. */
  private async bound(limits: ResourceLimits): Promise<MachineGroup> {
    const place = this.host.init === 'sysv' ? null : await ControlGroup.place(`${this.name}-${++this.boots}`);
    await this.mark(place?.directories ?? [], []);
    const group =
      place === null ? new ProcessLimits(limits) : await ControlGroup.create(place, this.namespace.root, limits);
    this.unlimited = group.unlimited;
    return group;
  }

  private inMounts(argv: readonly string[]): string[] {
    return ['nsenter', '--target', String(this.holder.pid), '--user', '--mount', '--', ...argv];
  }

  private async mark(controlGroups: readonly string[], processes: readonly ProcessIdentity[]): Promise<void> {
    await writeMarker(this.host.directory, {
      machine: this.name,
      owner: await thisProcess(),
      processes: [this.holderIdentity, ...processes],
      controlGroups: [...controlGroups],
    });
  }
}

const PRIVATE_MOUNTS = ['unshare', '--mount', 'sh', '-c'];
/** `--kill-child` and the parent's death signal chain the machine's life to that of this process. */
const FRESH_NAMESPACES = [
  ...['setpriv', '--pdeathsig', 'KILL', 'unshare', '--fork', '--kill-child'],
  ...['--mount', '--pid', '--net', '--ipc', '--uts', '--cgroup', 'sh', '-c'],
];
