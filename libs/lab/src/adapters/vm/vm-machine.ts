import type { Readable } from 'node:stream';
import type { WrittenFiles } from '../../domain/machine-diff.js';
import {
  BootFailed,
  MachineLost,
  mustExec,
  type CommandResult,
  type ExecOptions,
  type LabMachine,
  type ResourceUse,
} from '../../lab-machine.port.js';
import { Guest } from './guest.js';
import type { AgentChannel } from './agent-channel.js';
import { NoAnswer } from './json-lines.js';

/** What runs a machine on its host: QEMU by itself, or a hypervisor. */
export interface VmControl {
  readonly name: string;
  readonly isRunning: boolean;
  /** Starts the machine from its disk. */
  start(): Promise<AgentChannel>;
  /** Waits until it has ended by itself. @returns whether it has */
  ended(limitMs: number): Promise<boolean>;
  kill(): Promise<void>;
  /** Takes the kernel and initrd that a boot loader would choose out of the disk of a machine that is off. */
  adoptKernel(): Promise<void>;
  /** PNG. */
  screenshot(): Promise<Uint8Array>;
  usage(): Promise<ResourceUse>;
  /** Removes everything of a machine that is off. */
  remove(): Promise<void>;
}

const LIST_MS = 180_000;
/** By inode and change time, so that a kernel that was written anew under its old name counts as another one. */
const BOOT_FILES = 'stat -c "%n %i %Z" /boot/vmlinuz-* /boot/initrd.img-*';

/** A machine with a kernel of its own, worked in through its guest agent. */
export class VmMachine implements LabMachine {
  private bootFiles: string | undefined;

  private constructor(
    private readonly control: VmControl,
    private guest: Guest,
  ) {}

  get isRunning(): boolean {
    return this.control.isRunning;
  }

  /** A machine that goes on from a saved state; its clock is set before anything else is done. */
  static async resumed(control: VmControl, channel: AgentChannel, limitMs: number): Promise<VmMachine> {
    const guest = new Guest(channel);
    await guest.present(limitMs);
    await guest.setTime(new Date());
    return new VmMachine(control, guest);
  }

  /** Starts from the disk and waits until everything is started. @throws BootFailed */
  static async booted(control: VmControl, limitMs: number): Promise<VmMachine> {
    return new VmMachine(control, await boot(control, limitMs));
  }

  exec(command: readonly string[] | string, options: ExecOptions = {}): Promise<CommandResult> {
    return this.inside(() => this.guest.exec(command, options));
  }

  put(file: string, content: string | Uint8Array | Readable, mode = '0644'): Promise<void> {
    return this.inside(() => this.guest.put(file, content, mode));
  }

  get(file: string): Promise<Uint8Array> {
    return this.inside(() => this.guest.get(file));
  }

  /** Every file of the disk, since nothing tells a machine's own writes from what was there. */
  async written(): Promise<WrittenFiles> {
    const find = "find / -xdev -mindepth 1 -printf '%y %C@ %s %P\\0'";
    const text = await mustExec(this, 'Listing the files', find, { timeoutMs: LIST_MS });
    const files = new Map<string, { kind: string; stamp: string }>();
    for (const line of text.split('\0')) {
      const [, kind = '', stamp = '', name = ''] = /^(\S) (\S+ \S+) ([^]*)$/.exec(line) ?? [];
      if (kind !== '') files.set(`/${name}`, { kind, stamp });
    }
    this.bootFiles ??= await this.listBootFiles();
    return files;
  }

  async reboot(limitMs: number): Promise<void> {
    const deadline = performance.now() + limitMs;
    const changed = this.bootFiles === undefined || this.bootFiles !== (await this.listBootFiles());
    await this.inside(() => this.guest.powerDown());
    if (!(await this.control.ended(limitMs))) await this.control.kill();
    if (changed) await this.control.adoptKernel();
    this.guest = await boot(this.control, deadline - performance.now());
    this.bootFiles = await this.listBootFiles();
  }

  usage(): Promise<ResourceUse> {
    return this.control.usage();
  }

  screenshot(): Promise<Uint8Array> {
    return this.control.screenshot();
  }

  async discard(): Promise<void> {
    await this.control.kill();
    await this.control.remove();
  }

  private async listBootFiles(): Promise<string> {
    return (await this.exec(BOOT_FILES)).stdout;
  }

  private async inside<T>(work: () => Promise<T>): Promise<T> {
    if (!this.isRunning) throw new MachineLost(this.control.name, 'it has ended');
    try {
      return await work();
    } catch (error) {
      if (error instanceof NoAnswer) throw new MachineLost(this.control.name, error.message);
      throw error;
    }
  }
}

async function boot(control: VmControl, limitMs: number): Promise<Guest> {
  const deadline = performance.now() + limitMs;
  try {
    const guest = new Guest(await control.start());
    await guest.present(limitMs);
    const state = await guest.settled(deadline);
    if (state === 'running' || state === 'degraded') return guest;
    throw new BootFailed(control.name, `systemd still says "${state}" at the time limit`);
  } catch (error) {
    await control.kill();
    throw error instanceof NoAnswer ? new BootFailed(control.name, error.message) : error;
  }
}
