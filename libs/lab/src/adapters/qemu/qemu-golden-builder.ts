import { createHash } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Profile } from '@vouch/contracts';
import canonicalize from 'canonicalize';
import { profileDigest } from '../../domain/profile.js';
import { installedComponents, runningServices } from '../../plan-run/machine-facts.js';
import { mustRun } from '../host/run-command.js';
import type { SandboxHost } from '../sandbox/sandbox-host.js';
import { IMAGE_FILES } from '../vm/image-scripts.js';
import { GOLDEN_FILES, readRecord, readVmGoldens, type VmGolden } from '../vm/vm-golden.js';
import { VmImageBuilder } from '../vm/vm-image-builder.js';
import { VmMachine } from '../vm/vm-machine.js';
import { findAccelerator } from './accelerator.js';
import { DISK, QemuControl } from './qemu-control.js';

/** Where goldens of machines with a kernel of their own lie, below the lab's directory. */
export const VM_GOLDENS = 'vm-goldens';

/** A first boot in software emulation on a busy machine. */
const FIRST_BOOT_MS = 10 * 60_000;
const SAVE_MS = 120_000;

/** Builds goldens of running machines: an image that is booted once, and saved when everything in it is started. */
export class QemuGoldenBuilder {
  private readonly images: VmImageBuilder;

  constructor(
    private readonly host: SandboxHost,
    /** E.g. `QEMU emulator version 7.2.22`, see {@link qemuVersion}. */
    private readonly engine: string,
  ) {
    this.images = new VmImageBuilder(host);
  }

  /**
   * Builds a golden, or finds the one that was built before.
   * @throws StreamNotBuildable, NoKernelKnown, NoReleaseSource, CommandFailed, BootFailed
   */
  async build(profile: Profile, options: { readonly signal?: AbortSignal } = {}): Promise<VmGolden> {
    const begun = performance.now();
    const image = await this.images.build(profile, options.signal);
    const { engine, host } = this;
    const folder = `${image}-${sha256({ engine, profile }).slice(0, 16)}`;
    const directory = path.join(this.host.directory, VM_GOLDENS, folder);
    const known = await readRecord(path.join(directory, GOLDEN_FILES.record));
    if (known !== null) return known;

    const imageFolder = path.join(host.directory, 'layers', image);
    const accelerator = await findAccelerator(imageFolder, IMAGE_FILES.kernel, host.files.root);
    await mkdir(path.dirname(directory), { recursive: true });
    await chmod(path.dirname(directory), 0o711);
    const control = await QemuControl.prepare(this.host, {
      name: `golden-${folder}-${process.pid}`,
      accelerator,
      image,
      backing: { file: `layers/${image}/${IMAGE_FILES.disk}`, format: 'raw' },
      toBeSaved: true,
    });
    const abort = (): void => void control.kill();
    options.signal?.addEventListener('abort', abort, { once: true });
    try {
      const machine = await VmMachine.booted(control, FIRST_BOOT_MS);
      const found = { components: await installedComponents(machine), services: await runningServices(machine) };
      await machine.exec('sync');
      await control.save(GOLDEN_FILES.state, SAVE_MS);
      const golden: VmGolden = {
        digest: sha256({
          driver: 'qemu',
          engine,
          accelerator,
          profile: profileDigest(profile),
          image,
          components: found.components,
        }),
        engine,
        accelerator,
        profileDigest: profileDigest(profile),
        profile,
        folder,
        image,
        ...found,
        buildMilliseconds: Math.round(performance.now() - begun),
      };
      await this.keep(control, directory, golden);
      return golden;
    } finally {
      options.signal?.removeEventListener('abort', abort);
      await control.kill();
      await control.remove();
    }
  }

  async find(digest: string): Promise<VmGolden | null> {
    const goldens = await readVmGoldens(path.join(this.host.directory, VM_GOLDENS));
    return goldens.find((golden) => golden.digest === digest && golden.engine === this.engine) ?? null;
  }

  /** It appears under its name only when it is whole. */
  private async keep(control: QemuControl, directory: string, golden: VmGolden): Promise<void> {
    const part = await mkdtemp(path.join(path.dirname(directory), '.part-'));
    await rename(path.join(control.directory, DISK), path.join(part, GOLDEN_FILES.disk));
    await rename(path.join(control.directory, GOLDEN_FILES.state), path.join(part, GOLDEN_FILES.state));
    await writeFile(path.join(part, GOLDEN_FILES.record), JSON.stringify(golden));
    await chown(part, this.host.files.root.uid, this.host.files.root.gid);
    await chmod(part, 0o755);
    await rm(directory, { recursive: true, force: true });
    await rename(part, directory);
  }
}

/** What this host's QEMU calls itself. @throws the system's error when there is none */
export async function qemuVersion(): Promise<string> {
  const { stdout } = await mustRun('Asking QEMU for its version', ['qemu-system-x86_64', '--version']);
  return stdout.split('\n')[0] ?? '';
}

const sha256 = (value: unknown): string =>
  createHash('sha256')
    .update(canonicalize(value) ?? '')
    .digest('hex');
