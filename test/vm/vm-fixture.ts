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

/** A lab of machines with kernels of their own; its golden is kept between runs, since it takes a minute or two. */
export async function openVmLab(): Promise<VmLab> {
  const host = await SandboxHost.open(path.join(DATA_DIR, 'sandbox'));
  await removeOrphans(host);
  const file = path.resolve(import.meta.dirname, '../../libs/lab/profiles/web-database.yaml');
  const profile = parseProfile(await readFile(file, 'utf8'), file, (await hostRelease()).stream);
  const goldens = new QemuGoldenBuilder(host, await qemuVersion());
  const golden = await goldens.build(profile);
  return { host, profile, golden, goldens, driver: new QemuDriver(host, goldens) };
}
