import { createHash } from 'node:crypto';
import { chmod, chown, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Profile } from '@vouch/contracts';
import canonicalize from 'canonicalize';
import { profileDigest } from '../../domain/profile.js';
import { installedComponents, runningServices } from '../../plan-run/machine-facts.js';
import { findAccelerator, type Accelerator } from '../qemu/accelerator.js';
import { noteUse } from '../sandbox/golden-use.js';
import { partName } from '../sandbox/layer-store.js';
import type { SandboxHost } from '../sandbox/sandbox-host.js';
import { IMAGE_FILES } from './image-scripts.js';
import { DISK, type VmFolderOptions } from './vm-folder.js';
import { GOLDEN_FILES, readRecord, readVmGoldens, VM_GOLDENS, type VmGolden } from './vm-golden.js';
import { VmImageBuilder } from './vm-image-builder.js';
import { VmMachine, type VmControl } from './vm-machine.js';

/** A machine that becomes a golden. */
export interface GoldenSource extends VmControl {
  readonly directory: string;
  /** Ends the machine so that others can go on from its disk. @returns files of its folder to keep beside the disk */
  conclude(): Promise<readonly string[]>;
}

/** What makes machines out of images: QEMU by itself, or a hypervisor. */
export interface Engine {
  readonly driver: string;
  /** With its version, when what it keeps of a machine fits no other, e.g. `QEMU emulator version 7.2.22`. */
  readonly version: string;
  source(options: VmFolderOptions & { readonly accelerator: Accelerator }): Promise<GoldenSource>;
}

/** A first boot in software emulation on a busy machine. */
const FIRST_BOOT_MS = 10 * 60_000;

/** Builds goldens of machines with a kernel of their own: an image that is booted once, and kept when all is started. */
export class VmGoldenBuilder {
  private readonly images: VmImageBuilder;

  constructor(
    private readonly host: SandboxHost,
    private readonly engine: Engine,
  ) {
    this.images = new VmImageBuilder(host);
  }

  /**
   * Builds a golden, or finds the one that was built before.
   * @throws StreamNotBuildable, NoKernelKnown, NoReleaseSource, CommandFailed, BootFailed
   */
  async build(profile: Profile, options: { readonly signal?: AbortSignal } = {}): Promise<VmGolden> {
    const begun = performance.now();
    const [image = '', ...layers] = await this.images.build(profile, options.signal);
    const { engine, host } = this;
    const folder = `${image}-${sha256({ engine: engine.version, profile }).slice(0, 16)}`;
    const directory = path.join(host.directory, VM_GOLDENS, folder);
    const known = await readRecord(path.join(directory, GOLDEN_FILES.record));
    if (known !== null) {
      await this.use(known);
      return known;
    }

    const imageFolder = path.join(host.directory, 'layers', image);
    const accelerator = await findAccelerator(imageFolder, IMAGE_FILES.kernel, host.files.root);
    await mkdir(path.dirname(directory), { recursive: true });
    await chmod(path.dirname(directory), 0o711);
    const source = await engine.source({
      name: `golden-${folder}-${process.pid}`,
      accelerator,
      image,
      backing: { file: `layers/${image}/${IMAGE_FILES.disk}`, format: 'raw' },
    });
    const abort = (): void => void source.kill();
    options.signal?.addEventListener('abort', abort, { once: true });
    try {
      const machine = await VmMachine.booted(source, FIRST_BOOT_MS);
      const found = { components: await installedComponents(machine), services: await runningServices(machine) };
      await machine.exec('sync', { timeoutMs: FIRST_BOOT_MS });
      const files = await source.conclude();
      const address = { driver: engine.driver, engine: engine.version, accelerator, image };
      const golden: VmGolden = {
        digest: sha256({ ...address, profile: profileDigest(profile), components: found.components }),
        engine: engine.version,
        accelerator,
        profileDigest: profileDigest(profile),
        profile,
        folder,
        image,
        layers,
        ...found,
        buildMilliseconds: Math.round(performance.now() - begun),
      };
      await this.keep(source.directory, files, directory, golden);
      return golden;
    } finally {
      options.signal?.removeEventListener('abort', abort);
      await source.kill();
      await source.remove();
    }
  }

  /** The golden with this content address, when it was made by this very engine. */
  async find(digest: string): Promise<VmGolden | null> {
    const goldens = await readVmGoldens(path.join(this.host.directory, VM_GOLDENS));
    const found = goldens.find((golden) => golden.digest === digest && golden.engine === this.engine.version) ?? null;
    if (found !== null) await this.use(found);
    return found;
  }

  private use({ folder }: VmGolden): Promise<void> {
    return noteUse(path.join(this.host.directory, VM_GOLDENS, folder, GOLDEN_FILES.record));
  }

  /** It appears under its name only when it is whole. */
  private async keep(from: string, files: readonly string[], directory: string, golden: VmGolden): Promise<void> {
    // Named after this process, so that whoever comes after it can tell that it has ended.
    const part = path.join(path.dirname(directory), await partName());
    await mkdir(part, { mode: 0o700 });
    await rename(path.join(from, DISK), path.join(part, GOLDEN_FILES.disk));
    for (const file of files) await rename(path.join(from, file), path.join(part, file));
    await writeFile(path.join(part, GOLDEN_FILES.record), JSON.stringify(golden));
    await chown(part, this.host.files.root.uid, this.host.files.root.gid);
    await chmod(part, 0o755);
    await rm(directory, { recursive: true, force: true });
    await rename(part, directory);
  }
}

const sha256 = (value: unknown): string =>
  createHash('sha256')
    .update(canonicalize(value) ?? '')
    .digest('hex');
