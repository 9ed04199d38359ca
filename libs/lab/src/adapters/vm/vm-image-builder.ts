import { createHash } from 'node:crypto';
import type { Profile } from '@vouch/contracts';
import { hostRelease } from '../host/host-release.js';
import { componentsScript } from '../sandbox/build-scripts.js';
import { GoldenBuilder, StreamNotBuildable } from '../sandbox/golden-builder.js';
import { LayerStore } from '../sandbox/layer-store.js';
import type { SandboxHost } from '../sandbox/sandbox-host.js';
import { imageScript, kernelOf, machineLayerScript } from './image-scripts.js';

/** Nobody has said which kernel machines of this kind boot. */
export class NoKernelKnown extends Error {
  readonly code = 'no-kernel-known';
  constructor(profile: Profile) {
    super(
      `The profile ${profile.name} (${profile.stream}) names no kernel, and there is no usual one: add a component linux-image-….`,
    );
    this.name = 'NoKernelKnown';
  }
}

const LAYER_LIMIT_MS = 15 * 60_000;

/** Builds disks for machines with a kernel of their own, out of the same layers that sandboxes are made of. */
export class VmImageBuilder {
  private readonly layers: LayerStore;

  constructor(private readonly host: SandboxHost) {
    this.layers = new LayerStore(host);
  }

  /**
   * @returns ids of layers: the first holds the disk, its kernel and initrd (see `IMAGE_FILES`), the others are below it
   * @throws StreamNotBuildable, NoKernelKnown, NoReleaseSource, CommandFailed
   */
  async build(profile: Profile, signal?: AbortSignal): Promise<string[]> {
    const options = { timeoutMs: LAYER_LIMIT_MS, ...(signal === undefined ? {} : { signal }) };
    const release = await hostRelease();
    if (profile.stream !== release.stream) throw new StreamNotBuildable(profile, release.stream);
    const kernel = kernelOf(profile);
    if (kernel === undefined) throw new NoKernelKnown(profile);
    let stack = [await new GoldenBuilder(this.host).base(release, signal)];
    for (const [name, script] of [
      [`machine-${kernel}`, machineLayerScript(kernel)],
      [`${profile.name}-vm`, componentsScript(profile)],
      [`image-${profile.name}`, imageScript()],
    ] as const) {
      const layer = `${name}-${shortDigest(stack, script)}`;
      await this.layers.build(layer, stack, script, options);
      stack = [layer, ...stack];
    }
    return stack;
  }
}

const shortDigest = (...parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
