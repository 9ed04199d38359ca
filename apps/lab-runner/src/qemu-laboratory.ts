import { mkdir } from 'node:fs/promises';
import type { Profile } from '@vouch/contracts';
import {
  QemuDriver,
  QemuGoldenBuilder,
  qemuPrerequisites,
  qemuVersion,
  runPlan,
  SandboxHost,
  type LabRun,
  type RunResult,
} from '@vouch/lab';
import { systemClock } from '@vouch/platform';
import type { Laboratory } from './lab-runner.js';

/** A laboratory of machines with kernels of their own on this machine. Its disks are built as sandboxes are. */
export class QemuLaboratory implements Laboratory {
  readonly driver = QemuDriver.description;
  private opened: { host: SandboxHost; goldens: QemuGoldenBuilder; machines: QemuDriver } | undefined;

  constructor(private readonly directory: string) {}

  async unavailable(): Promise<string | null> {
    if (this.opened !== undefined) return null;
    const answer = await qemuPrerequisites();
    if (!answer.ok) return answer.reason;
    await mkdir(this.directory, { recursive: true });
    const host = await SandboxHost.open(this.directory);
    const goldens = new QemuGoldenBuilder(host, await qemuVersion());
    this.opened = { host, goldens, machines: new QemuDriver(host, goldens) };
    return null;
  }

  build(profile: Profile, signal: AbortSignal): ReturnType<QemuGoldenBuilder['build']> {
    return this.required().goldens.build(profile, { signal });
  }

  test(run: LabRun): Promise<RunResult> {
    return runPlan(this.required().machines, run, systemClock);
  }

  async close(): Promise<void> {
    await this.opened?.host.close();
  }

  private required(): NonNullable<typeof this.opened> {
    if (this.opened === undefined) throw new Error('The laboratory is not open: ask whether it is available first.');
    return this.opened;
  }
}
