import type { Capability, Component } from '@vouch/contracts';
import { GoldenMissing, RestoreFailed, type LabDriver, type RestoreOptions } from '../../lab-driver.port.js';
import type { LabMachine } from '../../lab-machine.port.js';
import type { SandboxHost } from '../sandbox/sandbox-host.js';
import { GOLDEN_FILES, oldPackageOf, VM_GOLDENS, type VmGolden } from '../vm/vm-golden.js';
import { VmGoldenBuilder } from '../vm/vm-golden-builder.js';
import { VmMachine } from '../vm/vm-machine.js';
import { LibvirtControl } from './libvirt-control.js';
import type { Virsh } from './virsh.js';

/** For hosts whose machines are libvirt's business. They boot from their golden's disk; libvirt keeps a state of one only. */
export class LibvirtDriver implements LabDriver {
  static readonly description = {
    name: 'libvirt',
    fidelity: 'full',
    capabilities: ['packages', 'services', 'reboot', 'kernel', 'boot'] as readonly Capability[],
  } as const;
  readonly name = LibvirtDriver.description.name;
  readonly fidelity = LibvirtDriver.description.fidelity;
  readonly capabilities = LibvirtDriver.description.capabilities;

  constructor(
    private readonly host: SandboxHost,
    private readonly virsh: Virsh,
    private readonly goldens: { find(digest: string): Promise<VmGolden | null> },
  ) {}

  find(goldenDigest: string): Promise<VmGolden | null> {
    return this.goldens.find(goldenDigest);
  }

  async restore(goldenDigest: string, { name, bootMs }: RestoreOptions): Promise<LabMachine> {
    const golden = await this.find(goldenDigest);
    if (golden === null) throw new GoldenMissing(goldenDigest);
    const control = await LibvirtControl.prepare(this.host, this.virsh, {
      name,
      accelerator: golden.accelerator,
      image: golden.image,
      backing: { file: `${VM_GOLDENS}/${golden.folder}/${GOLDEN_FILES.disk}`, format: 'qcow2' },
    });
    try {
      return await VmMachine.booted(control, bootMs);
    } catch (error) {
      await control.kill();
      await control.remove();
      throw new RestoreFailed(name, error instanceof Error ? error.message : String(error));
    }
  }

  async oldPackage(goldenDigest: string, component: Component): Promise<string | null> {
    return oldPackageOf(this.host, await this.find(goldenDigest), component);
  }
}

/** Builds goldens for {@link LibvirtDriver}: disks that were booted once and shut down in order. */
export class LibvirtGoldenBuilder extends VmGoldenBuilder {
  constructor(host: SandboxHost, virsh: Virsh) {
    super(host, {
      driver: LibvirtDriver.description.name,
      version: 'libvirt',
      source: (options) => LibvirtControl.prepare(host, virsh, options),
    });
  }
}
