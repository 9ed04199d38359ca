import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Profile } from '@vouch/contracts';
import {
  hostRelease,
  parseProfile,
  QemuDriver,
  QemuGoldenBuilder,
  qemuVersion,
  removeOrphans,
  SandboxHost,
  type VmGolden,
} from '@vouch/lab';
import { DATA_DIR } from '../lab/lab-fixture.js';

export interface VmLab {
  readonly host: SandboxHost;
  readonly driver: QemuDriver;
  readonly goldens: QemuGoldenBuilder;
  readonly golden: VmGolden;
  readonly profile: Profile;
}

/** A host of machines, and the profile that they are made from. */
export async function openVmHost(): Promise<Pick<VmLab, 'host' | 'profile'>> {
  const host = await SandboxHost.open(path.join(DATA_DIR, 'sandbox'));
  await removeOrphans(host);
  const file = path.resolve(import.meta.dirname, '../../libs/lab/profiles/web-database.yaml');
  return { host, profile: parseProfile(await readFile(file, 'utf8'), file, (await hostRelease()).stream) };
}

/** A lab of machines with kernels of their own; its golden is kept between runs, since it takes a minute or two. */
export async function openVmLab(): Promise<VmLab> {
  const { host, profile } = await openVmHost();
  const goldens = new QemuGoldenBuilder(host, await qemuVersion());
  const golden = await goldens.build(profile);
  return { host, profile, golden, goldens, driver: new QemuDriver(host, goldens) };
}
