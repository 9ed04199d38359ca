import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Component, Profile, Sha256 } from '@vouch/contracts';
import { z } from 'zod';
import { profileDigest } from '../../domain/profile.js';
import { hostRelease, type HostRelease } from '../host/host-release.js';
import { baseLayer, goldenDigest, profileLayer, recordName } from './golden-address.js';
import { noteUse } from './golden-use.js';
import { LayerStore } from './layer-store.js';
import { installedComponents, runningServices } from '../../plan-run/machine-facts.js';
import { Machine } from './machine.js';
import { elapsed } from '../host/run-command.js';
import type { SandboxHost } from './sandbox-host.js';

/** The snapshot built from a profile. */
export const Golden = z.object({
  /** Content address: the profile, the base, and every installed component with its version. */
  digest: Sha256,
  profileDigest: Sha256,
  profile: Profile,
  /** Layers of its file system, topmost first. */
  layers: z.array(z.string()),
  components: z.array(Component),
  /** Services that run after a boot, as systemd names them. */
  services: z.array(z.string()),
  buildMilliseconds: z.int().nonnegative(),
});
export type Golden = z.infer<typeof Golden>;

/** The profile asks for another system than this machine can build. */
export class StreamNotBuildable extends Error {
  readonly code = 'stream-not-buildable';
  constructor(profile: Profile, stream: string) {
    super(
      `The profile ${profile.name} wants ${profile.stream}, but this machine builds ${stream}: run a lab on a ${profile.stream} machine.`,
    );
    this.name = 'StreamNotBuildable';
  }
}

export interface BuildOptions {
  /** A golden to build on instead of the bare base system. */
  readonly on?: Golden;
  readonly signal?: AbortSignal;
}

const LAYER_LIMIT_MS = 15 * 60_000;

/** Builds goldens out of layers: a base system, shared by all, and each profile's components over it. */
export class GoldenBuilder {
  private readonly layers: LayerStore;

  constructor(private readonly host: SandboxHost) {
    this.layers = new LayerStore(host);
  }

  /**
   * Builds a golden, or finds the one that was built before. It counts as built when it has booted.
   * @throws StreamNotBuildable, NoReleaseSource, CommandFailed, BootFailed
   */
  async build(profile: Profile, options: BuildOptions = {}): Promise<Golden> {
    const startedAt = performance.now();
    const release = await hostRelease();
    if (profile.stream !== release.stream) throw new StreamNotBuildable(profile, release.stream);
    const below = options.on?.layers ?? [await this.base(release, options.signal)];
    const { id: layer, script } = profileLayer(profile, below);
    const record = path.join(this.host.directory, 'goldens', recordName(layer, profile, this.otherInit()));
    const known = await readGoldenRecord(record);
    if (known !== null && (await this.layers.has(layer))) {
      await noteUse(record);
      return known;
    }

    await this.layers.build(layer, below, script, { timeoutMs: LAYER_LIMIT_MS, ...signalOf(options) });
    const layers = [layer, ...below];
    const found = await this.bootOnce(layer, layers);
    const golden: Golden = {
      digest: goldenDigest(profile, layers, found.components, this.otherInit()),
      profileDigest: profileDigest(profile),
      profile,
      layers,
      ...found,
      buildMilliseconds: elapsed(startedAt),
    };
    await writeRecord(record, golden);
    return golden;
  }

  /** The golden with this content address, if it was built here. */
  async find(digest: string): Promise<Golden | null> {
    const directory = path.join(this.host.directory, 'goldens');
    const names = await readdir(directory).catch(() => []);
    for (const name of names.filter((each) => each.endsWith('.json'))) {
      const record = path.join(directory, name);
      const golden = await readGoldenRecord(record);
      if (golden?.digest !== digest) continue;
      await noteUse(record);
      return golden;
    }
    return null;
  }

  /** The layer of a bare system, shared by all profiles of a release. */
  async base(release: HostRelease, signal?: AbortSignal): Promise<string> {
    const { id, script } = baseLayer(release);
    await this.layers.build(id, [], script, { timeoutMs: LAYER_LIMIT_MS, ...signalOf({ signal }) });
    return id;
  }

  /** What runs without systemd is another golden, so that what was tested on it is tested again when systemd can run. */
  private otherInit(): string[] {
    return this.host.init === 'systemd' ? [] : [this.host.init];
  }

  private async bootOnce(
    layer: string,
    layers: readonly string[],
  ): Promise<{ components: Component[]; services: string[] }> {
    const machine = await Machine.start(this.host, {
      name: `golden-${layer}-${process.pid}`,
      layers,
      hostname: 'lab',
      storage: { kind: 'memory', sizeMiB: 1024 },
    });
    try {
      return { components: await installedComponents(machine), services: await runningServices(machine) };
    } finally {
      await machine.discard();
    }
  }
}

const signalOf = ({ signal }: { signal?: AbortSignal | undefined }): { signal?: AbortSignal } =>
  signal === undefined ? {} : { signal };

/** The golden that a record names; null when it cannot be read. */
export async function readGoldenRecord(file: string): Promise<Golden | null> {
  try {
    return Golden.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return null;
  }
}

async function writeRecord(file: string, golden: Golden): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const part = `${file}.${process.pid}.part`;
  await writeFile(part, JSON.stringify(golden));
  await rename(part, file);
}
