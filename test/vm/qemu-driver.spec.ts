import { describeDriver } from '../lab/driver-contract.js';
import { openVmLab } from './vm-fixture.js';

describeDriver('qemu', async () => {
  const { driver, golden, host } = await openVmLab();
  return { driver, golden, directory: host.directory, storageMiB: 4096, close: () => host.close() };
});
