import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { driverOf, GOLDEN_FILES, readVmGoldens, VM_GOLDENS } from '../vm/vm-golden.js';
import { readGoldenRecord } from './golden-builder.js';
import { keptMachines } from './kept-machines.js';
import { LayerStore } from './layer-store.js';
import type { SandboxHost } from './sandbox-host.js';

export interface CollectOptions {
  /** Digests of the profiles whose goldens stay, however long they were not used. */
  readonly wanted: ReadonlySet<string>;
  readonly unusedMs: number;
  readonly now: Date;
  /** Hears of each profile that has no golden of a driver left here. */
  readonly onGone?: (golden: { readonly profileDigest: string; readonly driver: string }) => void;
}

/**
 * Removes goldens of profiles that nobody wants any more, once they were not used for a while, then the layers that no
 * golden and no machine that is kept stands on, and old records of control runs. A crash leaves nothing half that could be
 * taken for whole. While a kept machine's layers are unknown, no layer is touched.
 * @returns names of what was removed
 */
export async function collectGoldens(host: SandboxHost, options: CollectOptions): Promise<string[]> {
  const old = async (file: string): Promise<boolean> => {
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity }));
    return mtimeMs < options.now.getTime() - options.unusedMs;
  };
  const within = (...parts: string[]): string => path.join(host.directory, ...parts);
  const removed: string[] = [];
  const used = new Set<string>();
  const gone = new Map<string, { profileDigest: string; driver: string }>();
  const left = new Set<string>();

  const note = (profileDigest: string, driver: string): void =>
    void gone.set(`${driver} ${profileDigest}`, { profileDigest, driver });

  for (const name of await namesIn(within('goldens'))) {
    const record = within('goldens', name);
    const golden = await readGoldenRecord(record);
    if (!options.wanted.has(golden?.profileDigest ?? '') && (await old(record))) {
      await rm(record, { force: true });
      removed.push(`goldens/${name}`);
      if (golden !== null) note(golden.profileDigest, 'sandbox');
    } else if (golden !== null) {
      left.add(`sandbox ${golden.profileDigest}`);
      for (const layer of golden.layers) used.add(layer);
    }
  }
  const whole = await readVmGoldens(within(VM_GOLDENS));
  for (const folder of await namesIn(within(VM_GOLDENS))) {
    const golden = whole.find((each) => each.folder === folder);
    const witness = golden === undefined ? within(VM_GOLDENS, folder) : within(VM_GOLDENS, folder, GOLDEN_FILES.record);
    if (!options.wanted.has(golden?.profileDigest ?? '') && (await old(witness))) {
      await removeVmGolden(host, `${VM_GOLDENS}/${folder}`);
      removed.push(`${VM_GOLDENS}/${folder}`);
      if (golden !== undefined) note(golden.profileDigest, driverOf(golden));
    } else if (golden !== undefined) {
      left.add(`${driverOf(golden)} ${golden.profileDigest}`);
      for (const layer of [golden.image, ...golden.layers]) used.add(layer);
    }
  }
  for (const [key, golden] of gone) if (!left.has(key)) options.onGone?.(golden);
  for (const name of await namesIn(within('controls')))
    if (await old(within('controls', name))) {
      await rm(within('controls', name), { force: true });
      removed.push(`controls/${name}`);
    }

  const kept = await keptMachines(host.directory);
  if (kept === null) return removed;
  for (const layer of kept) used.add(layer);
  const layers = new LayerStore(host);
  for (const layer of await layers.names())
    if (!used.has(layer) && (await old(within('layers', layer)))) {
      await layers.remove(layer);
      removed.push(`layers/${layer}`);
    }
  return removed;
}

/** Its folder lies in one of ours; what is in it belongs to ids of the namespace once it is whole. */
async function removeVmGolden(host: SandboxHost, folder: string): Promise<void> {
  // Without its record it is no golden, whatever else is left of it when this is cut off.
  for (const part of [`${folder}/${GOLDEN_FILES.record}`, folder])
    await host.remove(part).catch(() => rm(path.join(host.directory, part), { recursive: true, force: true }));
  await rm(path.join(host.directory, folder), { recursive: true, force: true });
}

const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);
