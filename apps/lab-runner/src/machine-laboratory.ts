import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Profile } from '@vouch/contracts';
import {
  ControlRuns,
  LibvirtDriver,
  LibvirtGoldenBuilder,
  libvirtPrerequisites,
  machinePrerequisites,
  PLAN_LIMITS,
  QemuDriver,
  QemuGoldenBuilder,
  qemuVersion,
  runPlan,
  SandboxHost,
  Virsh,
  type DriverDescription,
  type LabDriver,
  type LabRun,
  type Prerequisites,
  type RunResult,
  type VmGoldenBuilder,
} from '@vouch/lab';
import { systemClock } from '@vouch/platform';
import type { Laboratory } from './lab-runner.js';

/** What runs machines with kernels of their own on this host. */
export interface MachineEngine {
  readonly description: DriverDescription;
  able(): Promise<Prerequisites>;
  open(host: SandboxHost): Promise<{ readonly goldens: VmGoldenBuilder; readonly machines: LabDriver }>;
}

export const qemuEngine: MachineEngine = {
  description: QemuDriver.description,
  able: machinePrerequisites,
  open: async (host) => {
    const goldens = new QemuGoldenBuilder(host, await qemuVersion());
    return { goldens, machines: new QemuDriver(host, goldens) };
  },
};

/** @param uri the connection to this host's libvirt */
export function libvirtEngine(uri: string): MachineEngine {
  const virsh = new Virsh(uri);
  return {
    description: LibvirtDriver.description,
    able: () => libvirtPrerequisites(virsh),
    open: async (host) => {
      const goldens = new LibvirtGoldenBuilder(host, virsh);
      return { goldens, machines: new LibvirtDriver(host, virsh, goldens) };
    },
  };
}

/** A laboratory of machines with kernels of their own on this host. Its disks are built as sandboxes are. */
export class MachineLaboratory implements Laboratory {
  private readonly controls: ControlRuns;
  private opened: { host: SandboxHost; goldens: VmGoldenBuilder; machines: LabDriver } | undefined;

  constructor(
    private readonly directory: string,
    private readonly engine: MachineEngine,
  ) {
    this.controls = new ControlRuns(path.join(directory, 'controls'), systemClock);
  }

  get driver(): DriverDescription {
    return this.engine.description;
  }

  async unavailable(): Promise<string | null> {
    if (this.opened !== undefined) return null;
    const answer = await this.engine.able();
    if (!answer.ok) return answer.reason;
    await mkdir(this.directory, { recursive: true });
    const host = await SandboxHost.open(this.directory);
    this.opened = { host, ...(await this.engine.open(host)) };
    return null;
  }

  build(profile: Profile, signal: AbortSignal): ReturnType<VmGoldenBuilder['build']> {
    return this.required().goldens.build(profile, { signal });
  }

  test(run: LabRun): Promise<RunResult> {
    return runPlan(this.required().machines, run, systemClock, PLAN_LIMITS, this.controls);
  }

  async close(): Promise<void> {
    await this.controls.close();
    await this.opened?.host.close();
  }

  private required(): NonNullable<typeof this.opened> {
    if (this.opened === undefined) throw new Error('The laboratory is not open: ask whether it is available first.');
    return this.opened;
  }
}
