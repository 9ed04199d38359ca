import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Component, Profile, Sha256 } from '@vouch/contracts';
import { z } from 'zod';
import { LayerStore } from '../sandbox/layer-store.js';
import type { SandboxHost } from '../sandbox/sandbox-host.js';

/** The snapshot of a machine with a kernel of its own: a disk, the kernel that it booted, and maybe its saved state. */
export const VmGolden = z.object({
  digest: Sha256,
  /** What saved its state, e.g. QEMU's version: a saved state fits no other. */
  engine: z.string(),
  accelerator: z.enum(['kvm', 'tcg']),
  profileDigest: Sha256,
  profile: Profile,
  /** Name of its folder, and of the layer with its image. */
  folder: z.string(),
  image: z.string(),
  /** What the image was made of; whoever builds a golden like it needs them again. */
  layers: z.array(z.string()).default([]),
  components: z.array(Component),
  services: z.array(z.string()),
  buildMilliseconds: z.int().nonnegative(),
});
export type VmGolden = z.infer<typeof VmGolden>;

/** Path of the very package file that a golden's component was installed from; null when it was not kept. */
export async function oldPackageOf(
  host: SandboxHost,
  golden: VmGolden | null,
  component: Component,
): Promise<string | null> {
  return golden === null ? null : new LayerStore(host).packageFile([golden.image, ...golden.layers], component);
}

/** Name of the driver whose machines it becomes. */
export const driverOf = ({ engine }: VmGolden): 'libvirt' | 'qemu' => (engine === 'libvirt' ? 'libvirt' : 'qemu');

/** Where goldens of machines with a kernel of their own lie, below the lab's directory. */
export const VM_GOLDENS = 'vm-goldens';

/** Files of a golden's folder; not every engine keeps a state. */
export const GOLDEN_FILES = { record: 'golden.json', disk: 'live.qcow2', state: 'state.bin' } as const;

/** All goldens below a directory that were made whole. */
export async function readVmGoldens(directory: string): Promise<VmGolden[]> {
  const folders = await readdir(directory).catch(() => []);
  const goldens = await Promise.all(
    folders.map((folder) => readRecord(path.join(directory, folder, GOLDEN_FILES.record))),
  );
  return goldens.filter((golden) => golden !== null);
}

export async function readRecord(file: string): Promise<VmGolden | null> {
  try {
    return VmGolden.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return null;
  }
}
