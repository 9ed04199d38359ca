import { chmod, chown, mkdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { RestoreFailed } from '../../lab-driver.port.js';
import type { ResourceUse } from '../../lab-machine.port.js';
import { removeMarker, writeMarker } from '../host/markers.js';
import { identify, thisProcess } from '../host/process-identity.js';
import { mustRun } from '../host/run-command.js';
import type { SandboxHost } from '../sandbox/sandbox-host.js';
import type { AgentChannel } from '../vm/agent-channel.js';
import { takeKernel } from '../vm/disk-kernel.js';
import { IMAGE_FILES } from '../vm/image-scripts.js';
import type { VmControl } from '../vm/vm-machine.js';
import type { Accelerator } from './accelerator.js';
import { asOwner, MEMORY_MIB, QemuProcess } from './qemu-process.js';

/** Where machines with a kernel of their own have their folders, below the lab's directory. */
export const VM_FOLDER = 'vms';

export interface QemuMachineOptions {
  readonly name: string;
  readonly accelerator: Accelerator;
  /** Layer with the image that it boots from. */
  readonly image: string;
  /** What the machine's own disk lies over, relative to the lab's directory, with its format. */
  readonly backing: { readonly file: string; readonly format: 'raw' | 'qcow2' };
  readonly toBeSaved?: boolean;
}

/** One machine's folder, disk and QEMU. */
export class QemuControl implements VmControl {
  private qemu: QemuProcess | undefined;
  private kernel: string;
  private initrd: string;

  private constructor(
    private readonly host: SandboxHost,
    private readonly options: QemuMachineOptions,
    readonly directory: string,
  ) {
    this.kernel = `../../layers/${options.image}/${IMAGE_FILES.kernel}`;
    this.initrd = `../../layers/${options.image}/${IMAGE_FILES.initrd}`;
  }

  /** Makes the folder and an empty disk over the backing one. @throws RestoreFailed */
  static async prepare(host: SandboxHost, options: QemuMachineOptions): Promise<QemuControl> {
    if (!/^[a-z0-9][a-z0-9.-]*$/i.test(options.name)) throw new TypeError(`"${options.name}" cannot name a machine.`);
    const directory = path.join(host.directory, VM_FOLDER, options.name);
    const control = new QemuControl(host, options, directory);
    await mkdir(path.dirname(directory), { recursive: true });
    await chmod(path.dirname(directory), 0o711);
    try {
      await mkdir(directory, { mode: 0o700 });
      await chown(directory, host.files.root.uid, host.files.root.gid);
      await control.mark();
      const { file, format } = options.backing;
      const create = ['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', `../../${file}`, '-F', format, DISK];
      await mustRun('Making the disk', [...control.run, ...create], { cwd: directory, timeoutMs: 30_000 });
      return control;
    } catch (error) {
      await control.remove();
      throw new RestoreFailed(options.name, error instanceof Error ? error.message : String(error));
    }
  }

  get name(): string {
    return this.options.name;
  }

  get isRunning(): boolean {
    return this.qemu?.isRunning ?? false;
  }

  /** @param state file of a saved state to go on from, relative to the lab's directory; absent: boots */
  async start(state?: string): Promise<AgentChannel> {
    this.qemu = await QemuProcess.start({
      directory: this.directory,
      owner: this.host.files.root,
      accelerator: this.options.accelerator,
      memoryMiB: MEMORY_MIB,
      disk: DISK,
      kernel: this.kernel,
      initrd: this.initrd,
      toBeSaved: this.options.toBeSaved ?? false,
      ...(state === undefined ? {} : { state: `../../${state}` }),
    });
    await this.mark(this.qemu.pid);
    if (state !== undefined) await this.running.resume();
    return this.qemu.agent;
  }

  /** Saves the running machine's state to a file of its folder and ends it; its disk stays as it was at that moment. */
  async save(file: string, limitMs: number): Promise<void> {
    await this.running.save(file, limitMs);
    await this.kill();
  }

  async ended(limitMs: number): Promise<boolean> {
    return this.qemu === undefined || this.qemu.ended(limitMs);
  }

  async kill(): Promise<void> {
    await this.qemu?.kill();
  }

  async adoptKernel(): Promise<void> {
    await takeKernel(this.directory, this.run, { disk: DISK, ...OWN_KERNEL });
    this.kernel = OWN_KERNEL.kernel;
    this.initrd = OWN_KERNEL.initrd;
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

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
    await removeMarker(this.host.directory, this.name);
  }

  private get running(): QemuProcess {
    if (this.qemu === undefined) throw new Error(`The machine ${this.name} was not started: start it first.`);
    return this.qemu;
  }

  private get run(): string[] {
    return asOwner(this.host.files.root);
  }

  private async mark(pid?: number): Promise<void> {
    const qemu = pid === undefined ? null : await identify(pid);
    await writeMarker(this.host.directory, {
      machine: this.name,
      owner: await thisProcess(),
      processes: qemu === null ? [] : [qemu],
      controlGroups: [],
    });
  }
}

/** Files of a machine's folder. */
export const DISK = 'disk.qcow2';
const SCREEN = 'screen.png';
const OWN_KERNEL = { kernel: 'vmlinuz', initrd: 'initrd.img' } as const;
