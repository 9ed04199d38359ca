import type { Capability, Component } from '@vouch/contracts';
import { GoldenMissing, type DriverDescription, type LabDriver, type RestoreOptions } from '../../lab-driver.port.js';
import type { LabMachine } from '../../lab-machine.port.js';
import type { Golden } from './golden-builder.js';
import { LayerStore } from './layer-store.js';
import { Machine } from './machine.js';
import { SandboxMachine } from './sandbox-machine.js';
import type { SandboxHost } from './sandbox-host.js';
import { SYSV_UNMEASURED, type Init } from './sysv-init.js';

const CAPABILITIES: readonly Capability[] = ['packages', 'services', 'reboot'];

/** Machines that share this host's kernel: services and packages for real, no kernel, boot or firmware. */
export class SandboxDriver implements LabDriver {
  /** Known before there is a sandbox, since a runner introduces itself with it. */
  static description(init: Init): DriverDescription {
    return { name: 'sandbox', fidelity: init === 'systemd' ? 'full' : 'reduced', capabilities: CAPABILITIES };
  }

  readonly name = 'sandbox';
  readonly capabilities = CAPABILITIES;

  constructor(
    private readonly host: SandboxHost,
    private readonly goldens: { find(digest: string): Promise<Golden | null> },
  ) {}

  get fidelity(): 'full' | 'reduced' {
    return SandboxDriver.description(this.host.init).fidelity;
  }

  get unmeasured(): readonly string[] {
    return this.host.init === 'systemd' ? [] : SYSV_UNMEASURED;
  }

  /** A golden whose layers are gone is none. */
  async find(goldenDigest: string): Promise<Golden | null> {
    const golden = await this.goldens.find(goldenDigest);
    const layers = new LayerStore(this.host);
    for (const layer of golden?.layers ?? []) if (!(await layers.has(layer))) return null;
    return golden;
  }

  async restore(goldenDigest: string, { name, bootMs, storageMiB }: RestoreOptions): Promise<LabMachine> {
    const golden = await this.find(goldenDigest);
    if (golden === null) throw new GoldenMissing(goldenDigest);
    const storage = { kind: 'memory', sizeMiB: storageMiB } as const;
    const options = { name, hostname: 'lab', layers: golden.layers, storage };
    return new SandboxMachine(await Machine.start(this.host, options, bootMs));
  }

  async oldPackage(goldenDigest: string, component: Component): Promise<string | null> {
    const golden = await this.find(goldenDigest);
    return golden === null ? null : new LayerStore(this.host).packageFile(golden.layers, component);
  }
}
