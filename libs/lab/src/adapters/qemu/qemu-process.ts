import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { close, open, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Duplex, type Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { StreamAgent, type AgentChannel } from '../vm/agent-channel.js';
import { NoAnswer } from '../vm/json-lines.js';
import { cpuOf, type Accelerator } from './accelerator.js';
import { Qmp } from './qmp.js';

/** Which user of the host a machine's QEMU runs as. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** A machine as QEMU is told of it. Paths are relative to the directory, so that those above may be closed to QEMU. */
export interface QemuSpec {
  readonly directory: string;
  readonly owner: Owner;
  readonly accelerator: Accelerator;
  readonly memoryMiB: number;
  /** A qcow2 file. */
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
  /** A saved state to go on from, absent to boot. */
  readonly state?: string;
  /** Its state will be saved, for which QEMU starts a program. Not for machines that run vendors' patches. */
  readonly toBeSaved?: boolean;
}

/** Direct boot: no boot loader chooses the kernel. A kernel that gives up ends QEMU instead of starting over. */
const KERNEL_COMMAND_LINE = 'root=/dev/vda rw console=tty0 console=ttyS0 quiet panic=-1';
export const MEMORY_MIB = 512;

/** QEMU's arguments: no network card, nothing but a disk, a screen, a clock, chance, and the agent's port. */
export function qemuArguments(spec: Omit<QemuSpec, 'directory' | 'owner'>): string[] {
  return [
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-vga', 'std', '-nic', 'none'],
    ...['-machine', 'pc', '-cpu', cpuOf(spec.accelerator), '-smp', '1', '-m', String(spec.memoryMiB)],
    ...['-accel', spec.accelerator === 'kvm' ? 'kvm' : 'tcg,tb-size=256'],
    ...[
      '-sandbox',
      `on,obsolete=deny,elevateprivileges=deny,spawn=${spec.toBeSaved ? 'allow' : 'deny'},resourcecontrol=deny`,
    ],
    ...['-rtc', 'base=utc', '-device', 'virtio-rng-pci'],
    ...['-drive', `file=${spec.disk},format=qcow2,if=none,id=disk,cache=unsafe,discard=unmap`],
    ...['-device', 'virtio-blk-pci,drive=disk'],
    ...['-chardev', 'stdio,id=control,signal=off', '-mon', 'chardev=control,mode=control'],
    ...['-chardev', 'socket,id=agent,fd=3', '-device', 'virtio-serial-pci'],
    ...['-device', 'virtserialport,chardev=agent,name=org.qemu.guest_agent.0'],
    ...['-chardev', 'file,id=serial,path=serial.log,append=on', '-serial', 'chardev:serial'],
    ...['-kernel', spec.kernel, '-initrd', spec.initrd, '-append', KERNEL_COMMAND_LINE],
    ...(spec.state === undefined ? [] : ['-incoming', 'fd:4']),
  ];
}

/** A running QEMU, its control and its guest's agent. It ends when this process ends, however that happens. */
export class QemuProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly qmp: Qmp,
    readonly agent: AgentChannel,
    private readonly complaints: () => string,
  ) {}

  /** @throws NoAnswer, or the system's error when QEMU cannot be started at all */
  static async start(spec: QemuSpec): Promise<QemuProcess> {
    const state = spec.state === undefined ? undefined : await openFile(`${spec.directory}/${spec.state}`, 'r');
    const argv = [...asOwner(spec.owner), 'qemu-system-x86_64', ...qemuArguments(spec)];
    const [program = '', ...args] = argv;
    const child = spawn(program, args, {
      cwd: spec.directory,
      stdio: ['pipe', 'pipe', 'pipe', 'overlapped', ...(state === undefined ? [] : [state])],
    });
    if (state !== undefined) close(state, () => undefined);
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
    const failed = once(child, 'error').then(([error]) => Promise.reject(error as Error));
    failed.catch(() => undefined);
    const control = Duplex.from({ writable: child.stdin as never, readable: child.stdout as never });
    const agent = child.stdio[3] as unknown as Duplex & Readable;
    const qemu = new QemuProcess(child, new Qmp(control), new StreamAgent(agent), () => said.trim());
    try {
      await Promise.race([failed, qemu.qmp.open(30_000)]);
      return qemu;
    } catch (error) {
      await qemu.kill();
      throw said === '' ? error : new Error(`QEMU said: ${said.trim()}`, { cause: error });
    }
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** What QEMU last complained about. */
  get complaint(): string {
    return this.complaints();
  }

  /** Waits for its end. @returns whether it came within the limit */
  async ended(limitMs: number): Promise<boolean> {
    if (!this.isRunning) return true;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), limitMs);
    return once(this.child, 'exit', { signal: limit.signal })
      .then(
        () => true,
        () => false,
      )
      .finally(() => clearTimeout(timer));
  }

  async kill(): Promise<void> {
    if (!this.isRunning || this.child.pid === undefined) return;
    this.child.kill('SIGKILL');
    await this.ended(60_000);
  }

  /** Goes on from the state that it was started with. @throws NoAnswer, QmpRefused */
  async resume(): Promise<void> {
    for (let status = 'inmigrate'; status === 'inmigrate';) {
      status = z.object({ status: z.string() }).parse(await this.qmp.ask('query-status')).status;
      if (status === 'inmigrate') await sleep(10);
    }
    await this.qmp.ask('cont');
  }

  /**
   * Stops the machine and writes its state to a file of its folder.
   * @throws QmpRefused, NoAnswer
   */
  async save(file: string, limitMs: number): Promise<void> {
    const deadline = performance.now() + limitMs;
    await this.qmp.ask('stop');
    await this.qmp.ask('migrate', { uri: `exec:cat > ${file}` });
    for (;;) {
      const { status } = z.object({ status: z.string().default('none') }).parse(await this.qmp.ask('query-migrate'));
      if (status === 'completed') return;
      if (status === 'failed' || performance.now() > deadline)
        throw new NoAnswer(`QEMU's saving of the state: ${status}`);
      await sleep(50);
    }
  }

  /** Memory and processor time that it takes of the host. */
  async usage(): Promise<{ memoryBytes: number; processorMs: number }> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8').catch(() => '');
    const stat = await readFile(`/proc/${this.pid}/stat`, 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
    return {
      memoryBytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024,
      processorMs: ticks * (1000 / CLOCK_TICKS),
    };
  }
}

/** USER_HZ, the same on every Linux that we run on; see proc(5). */
const CLOCK_TICKS = 100;
const openFile = promisify(open) as (path: string, flags: string) => Promise<number>;

/** The prefix of a command that runs it as a machine's owner, and ends it with this process. */
export function asOwner({ uid, gid }: Owner): string[] {
  const mortal = ['setpriv', '--pdeathsig', 'KILL', '--no-new-privs'];
  if (process.getuid?.() !== 0) return mortal;
  const kvm = kvmGroup();
  const groups = kvm === undefined ? ['--clear-groups'] : ['--groups', String(kvm)];
  return [
    ...mortal,
    '--reuid',
    String(uid),
    '--regid',
    String(gid),
    ...groups,
    '--inh-caps=-all',
    '--bounding-set=-all',
  ];
}

function kvmGroup(): number | undefined {
  return statSync('/dev/kvm', { throwIfNoEntry: false })?.gid || undefined;
}
