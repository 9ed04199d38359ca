import { setTimeout as sleep } from 'node:timers/promises';
import type { Component, Profile, RunnerHello, RunnerWelcome } from '@vouch/contracts';
import type { DriverDescription, LabRun, RunResult } from '@vouch/lab';
import type { Logger } from '@vouch/platform';
import { ApiRefused, type LabApi } from './lab-api.js';
import { untilReachable } from './patience.js';
import { runJob } from './run-job.js';

/** What the runner needs of its lab. */
export interface Laboratory {
  /** Why no lab can be run here, in a sentence; null when it can. */
  unavailable(): Promise<string | null>;
  readonly driver: DriverDescription;
  /** Runs a plan in a machine of this lab. */
  test(run: LabRun): Promise<RunResult>;
  build(
    profile: Profile,
    signal: AbortSignal,
  ): Promise<{ digest: string; components: Component[]; services: string[]; buildMilliseconds: number }>;
}

export interface RunnerOptions {
  readonly name: string;
  readonly concurrency: number;
  /** Before it looks again whether a lab can be run, or a golden be built, where it could not before. */
  readonly retryMs: number;
  /** Where the files of a run lie while it goes on. */
  readonly workDir: string;
}

/** Says hello, builds the goldens that are wanted, then takes runs one after the other until it is stopped. */
export class LabRunner {
  constructor(
    private readonly lab: Laboratory,
    private readonly api: LabApi,
    private readonly options: RunnerOptions,
    private readonly logger: Logger,
  ) {}

  /** @returns when the signal has aborted and everything that it started has ended */
  async work(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      try {
        await this.serve(stopped);
      } catch (error) {
        if (stopped.aborted) return;
        this.logger.error({ error: error instanceof Error ? error.message : String(error) }, 'starting over');
        await pause(this.options.retryMs, stopped);
      }
    }
  }

  /** One introduction, and the runs that follow from it. Returns when it is time to introduce oneself again. */
  private async serve(stopped: AbortSignal): Promise<void> {
    const { driver } = this.lab;
    const unavailable = await this.lab.unavailable();
    const hello: RunnerHello = {
      name: this.options.name,
      drivers: [{ name: driver.name, fidelity: driver.fidelity, capabilities: [...driver.capabilities] }],
      ...(unavailable === null ? {} : { unavailable }),
    };
    const welcome = await untilReachable(
      () => this.api.hello(hello),
      stopped,
      (error) => this.logger.warn({ error: error.message }, 'waiting for the API'),
    );
    if (unavailable !== null) {
      this.logger.error({ reason: unavailable }, 'labs cannot run here');
      return pause(this.options.retryMs, stopped);
    }
    const allBuilt = await this.buildGoldens(welcome, stopped);
    const again = allBuilt ? stopped : AbortSignal.any([stopped, AbortSignal.timeout(this.options.retryMs)]);
    const takers = Array.from({ length: this.options.concurrency }, () => this.takeRuns(again, stopped));
    await Promise.all(takers);
  }

  private async buildGoldens(welcome: RunnerWelcome, stopped: AbortSignal): Promise<boolean> {
    let allBuilt = true;
    for (const { digest: profileDigest, profile } of welcome.profiles) {
      const tell = (report: Omit<Parameters<LabApi['reportGolden']>[0], 'profileDigest'>): Promise<void> =>
        untilReachable(() => this.api.reportGolden({ profileDigest, ...report }), stopped);
      const none = { components: [], services: [], buildMilliseconds: 0 };
      await tell({ state: 'building', ...none });
      try {
        const { digest, components, services, buildMilliseconds } = await this.lab.build(profile, stopped);
        await tell({ state: 'ready', digest, components, services, buildMilliseconds });
        this.logger.info({ profile: profile.name, digest, buildMilliseconds }, 'golden is ready');
      } catch (error) {
        if (stopped.aborted) throw error;
        const reason = error instanceof Error ? error.message : String(error);
        this.logger.error({ profile: profile.name, reason }, 'golden could not be built');
        await tell({ state: 'failed', reason: reason.slice(0, 4000), ...none });
        allBuilt = false;
      }
    }
    return allBuilt;
  }

  /** Takes runs until it is time to stop, or the server no longer knows this runner. */
  private async takeRuns(until: AbortSignal, stopped: AbortSignal): Promise<void> {
    while (!until.aborted) {
      const job = await untilReachable(
        () => this.api.claim(),
        until,
        (error) => this.logger.warn({ error: error.message }, 'waiting for the API'),
      ).catch((error: unknown) => {
        if (until.aborted || (error instanceof ApiRefused && error.status === 404)) return 'introduce-again' as const;
        throw error;
      });
      if (job === 'introduce-again') return;
      if (job === null) continue;
      const logger = this.logger.child({ runId: job.runId, attempt: job.attempt, correlationId: job.correlationId });
      logger.info({ patch: job.patch.name, version: job.patch.version }, 'run is taken');
      const test = (run: LabRun): Promise<RunResult> => this.lab.test(run);
      await runJob(job, test, this.api, this.options.workDir, logger, stopped).catch((error: unknown) => {
        // The lease runs out by itself, and the run goes to whoever can do it.
        logger.error({ error: error instanceof Error ? error.stack : String(error) }, 'run is given up');
      });
    }
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
