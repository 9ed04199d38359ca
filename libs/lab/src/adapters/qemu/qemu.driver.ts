import type { Capability, Component } from '@vouch/contracts';
import { GoldenMissing, RestoreFailed, type LabDriver, type RestoreOptions } from '../../lab-driver.port.js';
import type { LabMachine } from '../../lab-machine.port.js';
import type { SandboxHost } from '../sandbox/sandbox-host.js';
import { GOLDEN_FILES, oldPackageOf, VM_GOLDENS, type VmGolden } from '../vm/vm-golden.js';
import { VmMachine } from '../vm/vm-machine.js';
import { QemuControl } from './qemu-control.js';

/**
 * Machines with a kernel of their own, run by QEMU from a saved state. The kernel is booted directly: a patch's new
 * kernel and initrd run through, but no boot loader does, and no firmware.
 */
export class QemuDriver implements LabDriver {
  static readonly description = {
    name: 'qemu',
    fidelity: 'full',
    capabilities: ['packages', 'services', 'reboot', 'kernel', 'boot'] as readonly Capability[],
  } as const;
  readonly name = QemuDriver.description.name;
  readonly fidelity = QemuDriver.description.fidelity;
  readonly capabilities = QemuDriver.description.capabilities;

  constructor(
    private readonly host: SandboxHost,
    private readonly goldens: { find(digest: string): Promise<VmGolden | null> },
  ) {}

  find(goldenDigest: string): Promise<VmGolden | null> {
    return this.goldens.find(goldenDigest);
  }

  async restore(goldenDigest: string, options: RestoreOptions): Promise<LabMachine> {
    return this.start(goldenDigest, options.name, async (control, folder) => {
      const agent = await control.start(`${folder}/${GOLDEN_FILES.state}`);
      return VmMachine.resumed(control, agent, options.bootMs);
    });
  }

  async oldPackage(goldenDigest: string, component: Component): Promise<string | null> {
    return oldPackageOf(this.host, await this.find(goldenDigest), component);
  }

  /** Boots a golden's disk instead of going on from its saved state: what restoring saves is measured against it. */
  async boot(goldenDigest: string, options: Pick<RestoreOptions, 'name' | 'bootMs'>): Promise<LabMachine> {
    return this.start(goldenDigest, options.name, (control) => VmMachine.booted(control, options.bootMs));
  }

  private async start(
    goldenDigest: string,
    name: string,
    work: (control: QemuControl, folder: string) => Promise<LabMachine>,
  ): Promise<LabMachine> {
    const golden = await this.find(goldenDigest);
    if (golden === null) throw new GoldenMissing(goldenDigest);
    const folder = `${VM_GOLDENS}/${golden.folder}`;
    const control = await QemuControl.prepare(this.host, {
      name,
      accelerator: golden.accelerator,
      image: golden.image,
      backing: { file: `${folder}/${GOLDEN_FILES.disk}`, format: 'qcow2' },
    });
    try {
      return await work(control, folder);
    } catch (error) {
      await control.kill();
      await control.remove();
      throw new RestoreFailed(name, error instanceof Error ? error.message : String(error));
    }
  }
}
