import { SandboxDriver } from '@vouch/lab';
import { describe } from 'vitest';
import { describeDriver } from './driver-contract.js';
import { NO_LAB, openLab } from './lab-fixture.js';

describe.skipIf(NO_LAB).each([
  ['sandbox', 'systemd'],
  ['sandbox without systemd', 'sysv'],
] as const)('as every driver', (name, init) => {
  describeDriver(name, async () => {
    const lab = await openLab(init);
    return {
      driver: new SandboxDriver(lab.host, {
        find: async (digest) => (digest === lab.golden.digest ? lab.golden : null),
      }),
      golden: lab.golden,
      directory: lab.host.directory,
      storageMiB: 512,
      close: () => lab.close(),
    };
  });
});
