import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {
  hostRelease,
  parseProfile,
  QemuDriver,
  QemuGoldenBuilder,
  machinePrerequisites,
  qemuVersion,
  removeOrphans,
  SandboxHost,
} from '@vouch/lab';
import { installSystemPackages, root } from '../../infra/local/prepare.mjs';
import { interleaved, median } from './measure.mjs';

const ROUNDS = 5;
const BOOT_MS = 600_000;

/** A machine with a kernel of its own, until its agent answers: from its saved state, against a boot of the same disk. */
export async function run(say) {
  await installSystemPackages(say, { forMachines: true });
  const able = await machinePrerequisites();
  if (!able.ok) throw new Error(able.reason);
  const directory = path.join(root, '.data/test-lab/sandbox');
  fs.mkdirSync(directory, { recursive: true });
  const host = await SandboxHost.open(directory);
  try {
    await removeOrphans(host);
    const profileFile = path.join(root, 'libs/lab/profiles/web-database.yaml');
    const profile = parseProfile(fs.readFileSync(profileFile, 'utf8'), profileFile, (await hostRelease()).stream);
    const goldens = new QemuGoldenBuilder(host, await qemuVersion());
    const golden = await goldens.build(profile);
    const driver = new QemuDriver(host, goldens);
    const answering = { restore: [], boot: [] };
    const once = (side, work) => async () => {
      const startedAt = performance.now();
      const machine = await work({ name: `bench-${randomUUID().slice(0, 8)}`, bootMs: BOOT_MS });
      answering[side].push(performance.now() - startedAt);
      try {
        const { exitCode } = await machine.exec(['true']);
        if (exitCode !== 0) throw new Error('The machine does not answer.');
      } finally {
        await machine.discard();
      }
    };
    const ms = await interleaved(
      {
        restore: once('restore', (options) => driver.restore(golden.digest, options)),
        boot: once('boot', (options) => driver.boot(golden.digest, options)),
      },
      ROUNDS,
      say,
    );
    return {
      ratio: ms.restore / ms.boot,
      compares:
        'restore of a saved machine until a program has run in it, and its removal / the same with a boot of the same disk',
      accelerator: golden.accelerator,
      rounds: ROUNDS,
      goldenMilliseconds: golden.buildMilliseconds,
      milliseconds: ms,
      untilAgentAnswers: Object.fromEntries(Object.entries(answering).map(([side, all]) => [side, median(all)])),
    };
  } finally {
    await host.close();
  }
}
