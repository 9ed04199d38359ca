import { LibvirtDriver, LibvirtGoldenBuilder } from '@vouch/lab';
import { describeDriver } from '../lab/driver-contract.js';
import { openLibvirt } from './libvirtd.js';
import { openVmHost } from './vm-fixture.js';

describeDriver('libvirt', async () => {
  const { host, profile } = await openVmHost();
  const { virsh, close } = await openLibvirt();
  const goldens = new LibvirtGoldenBuilder(host, virsh);
  const golden = await goldens.build(profile);
  return {
    driver: new LibvirtDriver(host, virsh, goldens),
    golden,
    directory: host.directory,
    storageMiB: 4096,
    close: async () => {
      await close();
      await host.close();
    },
  };
});
