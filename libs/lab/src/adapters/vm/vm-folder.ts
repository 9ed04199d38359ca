import { chmod, chown, mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { RestoreFailed } from '../../lab-driver.port.js';
import { removeMarker, writeMarker, type Marker } from '../host/markers.js';
import { asOwner } from '../host/owner.js';
import { thisProcess } from '../host/process-identity.js';
import { mustRun } from '../host/run-command.js';
import type { SandboxHost } from '../sandbox/sandbox-host.js';
import { consoleWords } from './console-words.js';
import { takeKernel } from './disk-kernel.js';
import { IMAGE_FILES } from './image-scripts.js';

/** Where machines with a kernel of their own have their folders, below the lab's directory. */
export const VM_FOLDER = 'vms';

/** A machine's own disk in its folder. */
export const DISK = 'disk.qcow2';
/** What the kernel writes to its console. */
export const SERIAL_LOG = 'serial.log';
const OWN_KERNEL = { kernel: 'vmlinuz', initrd: 'initrd.img' } as const;

export interface VmFolderOptions {
  readonly name: string;
  /** Layer with the image that it boots from. */
  readonly image: string;
  /** What the machine's own disk lies over, relative to the lab's directory, with its format. */
  readonly backing: { readonly file: string; readonly format: 'raw' | 'qcow2' };
  /** Others than the machines' owner may pass through its folder: a hypervisor that runs them as a user of its own. */
  readonly open?: boolean;
}

/** One machine's folder: its disk, and the kernel that it boots. */
export class VmFolder {
  /** Relative to the folder. */
  kernel: string;
  initrd: string;

  private constructor(
    private readonly host: SandboxHost,
    readonly name: string,
    image: string,
    readonly directory: string,
  ) {
    this.kernel = `../../layers/${image}/${IMAGE_FILES.kernel}`;
    this.initrd = `../../layers/${image}/${IMAGE_FILES.initrd}`;
  }

  /** Makes the folder and an empty disk over the backing one. @throws RestoreFailed */
  static async prepare(host: SandboxHost, options: VmFolderOptions): Promise<VmFolder> {
    if (!/^[a-z0-9][a-z0-9.-]*$/i.test(options.name)) throw new TypeError(`"${options.name}" cannot name a machine.`);
    const directory = path.join(host.directory, VM_FOLDER, options.name);
    const folder = new VmFolder(host, options.name, options.image, directory);
    await mkdir(path.dirname(directory), { recursive: true });
    await chmod(path.dirname(directory), 0o711);
    try {
      await folder.mark({});
      await mkdir(directory, { mode: 0o700 });
      if (options.open === true) await chmod(directory, 0o711);
      await chown(directory, host.files.root.uid, host.files.root.gid);
      const { file, format } = options.backing;
      const create = ['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', `../../${file}`, '-F', format, DISK];
      await mustRun('Making the disk', [...folder.run, ...create], { cwd: directory, timeoutMs: 30_000 });
      return folder;
    } catch (error) {
      await folder.remove();
      throw new RestoreFailed(options.name, error instanceof Error ? error.message : String(error));
    }
  }

  /** Takes the kernel and initrd that a boot loader would choose out of the disk of a machine that is off. */
  async adoptKernel(): Promise<void> {
    await takeKernel(this.directory, this.run, { disk: DISK, ...OWN_KERNEL });
    this.kernel = OWN_KERNEL.kernel;
    this.initrd = OWN_KERNEL.initrd;
  }

  /** What the kernel's console says about its end. */
  async lastWords(): Promise<string> {
    return consoleWords(await readFile(path.join(this.directory, SERIAL_LOG), 'latin1').catch(() => ''));
  }

  /** Writes down what runs of the machine, so that a later process can end it. */
  async mark(runs: Pick<Partial<Marker>, 'processes' | 'domains'>): Promise<void> {
    await writeMarker(this.host.directory, {
      machine: this.name,
      owner: await thisProcess(),
      processes: [],
      domains: [],
      controlGroups: [],
      ...runs,
    });
  }

  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
    await removeMarker(this.host.directory, this.name);
  }

  private get run(): string[] {
    return asOwner(this.host.files.root);
  }
}
