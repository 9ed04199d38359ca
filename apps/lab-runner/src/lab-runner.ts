import { setTimeout as sleep } from 'node:timers/promises';
import type { Component, GoldenReport, Profile, RunnerHello, RunnerWelcome } from '@vouch/contracts';
import type { DriverDescription, LabRun, RunResult } from '@vouch/lab';
import { timeLimit, type Logger } from '@vouch/platform';
import { ApiRefused, type LabApi } from './lab-api.js';
import { untilReachable } from './patience.js';
import { runJob } from './run-job.js';
import type { RunnerMetrics } from './runner-metrics.js';

/** What the runner needs of its lab. */
export interface Laboratory {
  /** Why no lab can be run here, in a sentence; null when it can. */
  unavailable(): Promise<string | null>;
  readonly driver: DriverDescription;
  /** Runs a plan in a machine of this lab. */
  test(run: LabRun): Promise<RunResult>;
  /**
   * Removes what was built before, and that neither these profiles' digests nor the recent past ask for.
   * @returns profiles that have no golden of a driver left here
   */
  tidy?(wanted: ReadonlySet<string>): Promise<readonly { readonly profileDigest: string; readonly driver: string }[]>;
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
  /** Before it introduces itself again when all is well, and removes goldens that nobody wants. */
  readonly tidyMs: number;
  /** Where the files of a run lie while it goes on. */
  readonly workDir: string;
}

/**
 * Says hello, builds the goldens that are wanted, then takes runs one after the other until it is stopped. Labs on demand
 * work beside the first one, each on one run at a time: what takes them minutes keeps nobody waiting.
 */
export class LabRunner {
  private readonly lanes = new Map<Laboratory, Lane>();

  constructor(
    private readonly lab: Laboratory,
    private readonly onDemand: readonly Laboratory[],
    private readonly api: LabApi,
    private readonly options: RunnerOptions,
    private readonly logger: Logger,
    private readonly metrics: RunnerMetrics,
  ) {}

  /** @returns when the signal has aborted and everything that it started has ended */
  async work(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      try {
        await this.serve(stopped);
      } catch (error) {
        if (stopped.aborted) break;
        this.logger.error({ error: error instanceof Error ? error.message : String(error) }, 'starting over');
        await pause(this.options.retryMs, stopped);
      }
    }
    await Promise.all([...this.lanes.values()].map(({ done }) => done));
  }

  /** One introduction, and the runs that follow from it. Returns when it is time to introduce oneself again. */
  private async serve(stopped: AbortSignal): Promise<void> {
    const unavailable = await this.lab.unavailable();
    const beside = unavailable === null ? await this.available() : [];
    const hello: RunnerHello = {
      name: this.options.name,
      drivers: [described(this.lab, false, this.options.concurrency), ...beside.map((lab) => described(lab, true, 1))],
      running: [...this.lanes.values()].flatMap(({ running }) => running ?? []),
      ...(unavailable === null ? {} : { unavailable }),
    };
    const welcome = await untilReachable(() => this.api.hello(hello), stopped, this.onUnreachable);
    this.metrics.introduced(
      unavailable,
      [this.lab, ...beside].map(({ driver }) => driver),
    );
    if (unavailable !== null) {
      this.logger.error({ reason: unavailable }, 'labs cannot run here');
      return pause(this.options.retryMs, stopped);
    }
    for (const lab of beside) this.want(lab, wantedOf(lab, welcome), stopped);
    const allBuilt = await this.buildGoldens(this.lab, wantedOf(this.lab, welcome), stopped);
    await this.tidy(new Set(welcome.profiles.map(({ digest }) => digest)), stopped);
    const { retryMs, tidyMs } = this.options;
    const again = AbortSignal.any([stopped, timeLimit(allBuilt ? tidyMs : retryMs)]);
    const takers = Array.from({ length: this.options.concurrency }, () => this.takeRuns(this.lab, again, stopped));
    await Promise.all(takers);
  }

  /** Removes goldens that nobody wants, and says so: no test is to be planned on one that is gone. */
  private async tidy(wanted: ReadonlySet<string>, stopped: AbortSignal): Promise<void> {
    const reason = 'It was removed, since nobody had wanted or used it for long.';
    for (const { profileDigest, driver } of (await this.lab.tidy?.(wanted)) ?? [])
      await untilReachable(
        () => this.api.reportGolden({ profileDigest, driver, state: 'failed', reason, ...NOTHING_BUILT }),
        stopped,
      ).catch((error: unknown) => {
        // A server that does not know the profile plans nothing on it.
        if (!(error instanceof ApiRefused)) throw error;
      });
  }

  /** Labs on demand that can work here; why another cannot is said once in the log. */
  private async available(): Promise<Laboratory[]> {
    const labs: Laboratory[] = [];
    for (const lab of this.onDemand) {
      const reason = await lab.unavailable();
      if (reason === null) labs.push(lab);
      else this.logger.info({ driver: lab.driver.name, reason }, 'this driver is not offered');
    }
    return labs;
  }

  /** A lab on demand starts to work when it is first wanted, and goes on until the runner stops. */
  private want(lab: Laboratory, profiles: WantedProfiles, stopped: AbortSignal): void {
    const lane = this.lanes.get(lab);
    if (lane !== undefined) lane.profiles = profiles;
    else if (profiles.length > 0) {
      const started: Lane = { profiles, done: Promise.resolve() };
      this.lanes.set(lab, started);
      started.done = this.workOnDemand(lab, started, stopped);
    }
  }

  private async workOnDemand(lab: Laboratory, lane: Lane, stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      try {
        const { profiles } = lane;
        const allBuilt = await this.buildGoldens(lab, profiles, stopped);
        const until = allBuilt ? stopped : AbortSignal.any([stopped, timeLimit(this.options.retryMs)]);
        await this.takeRuns(lab, until, stopped, lane);
        // The server has news for this runner, which the first lab will hear of when it says hello.
        if (lane.profiles === profiles) await pause(1000, stopped);
      } catch (error) {
        if (stopped.aborted) return;
        this.logger.error({ error: error instanceof Error ? error.message : String(error) }, 'starting over');
        await pause(this.options.retryMs, stopped);
      }
    }
  }

  private async buildGoldens(lab: Laboratory, wanted: WantedProfiles, stopped: AbortSignal): Promise<boolean> {
    let allBuilt = true;
    for (const { digest: profileDigest, profile } of wanted) {
      const tell = (report: Omit<GoldenReport, 'profileDigest' | 'driver'>): Promise<void> =>
        untilReachable(() => this.api.reportGolden({ profileDigest, driver: lab.driver.name, ...report }), stopped);
      await tell({ state: 'building', ...NOTHING_BUILT });
      try {
        const { digest, components, services, buildMilliseconds } = await lab.build(profile, stopped);
        this.metrics.goldens.inc({ driver: lab.driver.name, outcome: 'ready' });
        this.metrics.goldenSeconds.observe({ driver: lab.driver.name }, buildMilliseconds / 1000);
        await tell({ state: 'ready', digest, components, services, buildMilliseconds });
        this.logger.info({ profile: profile.name, digest, buildMilliseconds }, 'golden is ready');
      } catch (error) {
        if (stopped.aborted) throw error;
        const reason = error instanceof Error ? error.message : String(error);
        this.logger.error({ profile: profile.name, reason }, 'golden could not be built');
        this.metrics.goldens.inc({ driver: lab.driver.name, outcome: 'failed' });
        await tell({ state: 'failed', reason: reason.slice(0, 4000), ...NOTHING_BUILT });
        allBuilt = false;
      }
    }
    return allBuilt;
  }

  private readonly onUnreachable = (error: Error): void => {
    this.metrics.unreachable(error.message);
    this.logger.warn({ error: error.message }, 'waiting for the API');
  };

  /** Takes runs until it is time to stop, or the server no longer knows this runner. */
  private async takeRuns(lab: Laboratory, until: AbortSignal, stopped: AbortSignal, lane?: Lane): Promise<void> {
    while (!until.aborted) {
      const job = await untilReachable(
        () => this.api.claim({ drivers: [lab.driver.name] }),
        until,
        this.onUnreachable,
      ).catch((error: unknown) => {
        if (until.aborted || (error instanceof ApiRefused && error.status === 404)) return 'introduce-again' as const;
        throw error;
      });
      if (job === 'introduce-again') return;
      this.metrics.reached();
      if (job === null) continue;
      const logger = this.logger.child({ runId: job.runId, attempt: job.attempt, correlationId: job.correlationId });
      logger.info({ patch: job.patch.name, version: job.patch.version }, 'run is taken');
      if (lane !== undefined) lane.running = job.runId;
      const test = (run: LabRun): Promise<RunResult> => lab.test(run);
      const driver = lab.driver.name;
      this.metrics.running.inc({ driver });
      const result = await runJob(job, test, this.api, this.options.workDir, logger, stopped).catch(
        (error: unknown) => {
          // The lease runs out by itself, and the run goes to whoever can do it.
          logger.error({ error: error instanceof Error ? error.stack : String(error) }, 'run is given up');
          return 'given-up' as const;
        },
      );
      this.metrics.running.dec({ driver });
      this.metrics.runs.inc({ driver, result });
      if (lane !== undefined) lane.running = undefined;
    }
  }
}

const NOTHING_BUILT = { components: [], services: [], buildMilliseconds: 0 };

type WantedProfiles = RunnerWelcome['profiles'];

/** What a lab on demand is at. */
interface Lane {
  profiles: WantedProfiles;
  running?: string | undefined;
  done: Promise<void>;
}

const described = ({ driver }: Laboratory, onDemand: boolean, capacity: number): RunnerHello['drivers'][number] => ({
  name: driver.name,
  fidelity: driver.fidelity,
  capabilities: [...driver.capabilities],
  onDemand,
  capacity,
});

const wantedOf = ({ driver }: Laboratory, { profiles }: RunnerWelcome): WantedProfiles =>
  profiles.filter(({ drivers }) => drivers.includes(driver.name));

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
