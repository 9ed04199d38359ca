import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Profile } from '@vouch/contracts';
import {
  collectGoldens,
  ControlRuns,
  GoldenBuilder,
  PLAN_LIMITS,
  prerequisites,
  removeOrphans,
  runPlan,
  SandboxDriver,
  SandboxHost,
  type DriverDescription,
  type LabRun,
  type RunResult,
} from '@vouch/lab';
import { systemClock, type Logger } from '@vouch/platform';
import type { Laboratory } from './lab-runner.js';

/** A laboratory of sandboxes on this machine. It opens when the machine turns out to be able to run them. */
export class SandboxLaboratory implements Laboratory {
  private readonly controls: ControlRuns;
  private opened: { host: SandboxHost; goldens: GoldenBuilder; sandbox: SandboxDriver } | undefined;

  constructor(
    private readonly directory: string,
    private readonly logger: Logger,
    /** For how long a golden that nobody wants is kept after its last use. */
    private readonly keepUnusedMs: number,
  ) {
    this.controls = new ControlRuns(path.join(directory, 'controls'), systemClock);
  }

  /** Of full fidelity, until it turns out that the machine cannot give it. */
  get driver(): DriverDescription {
    return SandboxDriver.description(this.opened?.host.init ?? 'systemd');
  }

  async unavailable(): Promise<string | null> {
    if (this.opened !== undefined) return null;
    const answer = await prerequisites();
    if (!answer.ok) return answer.reason;
    await mkdir(this.directory, { recursive: true });
    if (answer.init === 'systemd' && answer.unlimited !== undefined)
      this.logger.warn({ unlimited: answer.unlimited }, 'machines cannot be limited here, which their verdicts say');
    if (answer.init === 'sysv') this.logger.warn({ reason: answer.reason }, 'machines run without systemd here');
    const host = await SandboxHost.open(this.directory, answer.init);
    const removed = await removeOrphans(host);
    if (removed.length > 0) this.logger.warn({ removed }, 'removed what an earlier runner left behind');
    const goldens = new GoldenBuilder(host);
    this.opened = { host, goldens, sandbox: new SandboxDriver(host, goldens) };
    return null;
  }

  build(profile: Profile, signal: AbortSignal): ReturnType<GoldenBuilder['build']> {
    return this.required().goldens.build(profile, { signal });
  }

  async tidy(wanted: ReadonlySet<string>): ReturnType<NonNullable<Laboratory['tidy']>> {
    const { host } = this.required();
    const gone: { profileDigest: string; driver: string }[] = [];
    const removed = await collectGoldens(host, {
      wanted,
      unusedMs: this.keepUnusedMs,
      now: systemClock(),
      onGone: (golden) => gone.push(golden),
    });
    if (removed.length > 0) this.logger.info({ removed }, 'removed goldens that nobody has used or wants any more');
    return gone;
  }

  async test(run: LabRun): Promise<RunResult> {
    return runPlan(this.required().sandbox, run, systemClock, PLAN_LIMITS, this.controls);
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
