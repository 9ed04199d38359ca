import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ResourceUse } from '../../lab-machine.port.js';
import type { Owner } from '../host/owner.js';
import { identify } from '../host/process-identity.js';
import type { SandboxHost } from '../sandbox/sandbox-host.js';
import type { AgentChannel } from '../vm/agent-channel.js';
import { MEMORY_MIB } from '../vm/image-scripts.js';
import { GOLDEN_FILES } from '../vm/vm-golden.js';
import type { GoldenSource } from '../vm/vm-golden-builder.js';
import { DISK, VmFolder, type VmFolderOptions } from '../vm/vm-folder.js';
import type { Accelerator } from './accelerator.js';
import { QemuProcess } from './qemu-process.js';

export interface QemuMachineOptions extends VmFolderOptions {
  readonly accelerator: Accelerator;
  readonly toBeSaved?: boolean;
}

const SAVE_MS = 120_000;
const SCREEN = 'screen.png';

/** One machine's folder and its QEMU. */
export class QemuControl implements GoldenSource {
  private qemu: QemuProcess | undefined;

  private constructor(
    private readonly owner: Owner,
    private readonly options: QemuMachineOptions,
    private readonly folder: VmFolder,
  ) {}

  /** @throws RestoreFailed */
  static async prepare(host: SandboxHost, options: QemuMachineOptions): Promise<QemuControl> {
    return new QemuControl(host.files.root, options, await VmFolder.prepare(host, options));
  }

  get name(): string {
    return this.options.name;
  }

  get directory(): string {
    return this.folder.directory;
  }

  get isRunning(): boolean {
    return this.qemu?.isRunning ?? false;
  }

  /** @param state file of a saved state to go on from, relative to the lab's directory; absent: boots */
  async start(state?: string): Promise<AgentChannel> {
    this.qemu = await QemuProcess.start({
      directory: this.directory,
      owner: this.owner,
      accelerator: this.options.accelerator,
      memoryMiB: MEMORY_MIB,
      disk: DISK,
      kernel: this.folder.kernel,
      initrd: this.folder.initrd,
      toBeSaved: this.options.toBeSaved ?? false,
      ...(state === undefined ? {} : { state: `../../${state}` }),
    });
    const identity = await identify(this.qemu.pid);
    await this.folder.mark({ processes: identity === null ? [] : [identity] });
    if (state !== undefined) await this.running.resume();
    return this.qemu.agent;
  }

  /** Saves the running machine's state beside its disk, which stays as it was at that moment, and ends the machine. */
  async conclude(): Promise<readonly string[]> {
    await this.running.save(GOLDEN_FILES.state, SAVE_MS);
    await this.kill();
    return [GOLDEN_FILES.state];
  }

  async ended(limitMs: number): Promise<boolean> {
    return this.qemu === undefined || this.qemu.ended(limitMs);
  }

  async kill(): Promise<void> {
    await this.qemu?.kill();
  }

  adoptKernel(): Promise<void> {
    return this.folder.adoptKernel();
  }

  async screenshot(): Promise<Uint8Array> {
    await this.running.qmp.ask('screendump', { filename: SCREEN, format: 'png' });
    return readFile(path.join(this.directory, SCREEN));
  }

  async usage(): Promise<ResourceUse> {
    const { blocks } = await stat(path.join(this.directory, DISK));
    const taken = (await this.qemu?.usage()) ?? { memoryBytes: 0, processorMs: 0 };
    return { ...taken, writtenBytes: blocks * 512 };
  }

  remove(): Promise<void> {
    return this.folder.remove();
  }

  private get running(): QemuProcess {
    if (this.qemu === undefined) throw new Error(`The machine ${this.name} was not started: start it first.`);
    return this.qemu;
  }
}
