import { setTimeout as sleep } from 'node:timers/promises';
import type { RunnerWelcome } from '@vouch/contracts';
import type { GoldenBuilder, LabDriver } from '@vouch/lab';
import type { Logger } from '@vouch/platform';
import { LeaseGone, type LabApi } from './lab-api.js';
import { runJob } from './run-job.js';

export interface RunnerParts {
  readonly name: string;
  readonly api: LabApi;
  readonly driver: LabDriver;
  readonly goldens: GoldenBuilder;
  readonly workDir: string;
  readonly concurrency: number;
  readonly logger: Logger;
}

const RETRY_MS = 2000;

/** Introduces itself, builds the wanted goldens, and works off runs until it is told to stop. */
export class Runner {
  constructor(private readonly parts: RunnerParts) {}

  async run(stop: AbortSignal): Promise<void> {
    const welcome = await this.introduce(stop);
    if (welcome === null) return;
    for (const { digest, profile } of welcome.profiles) {
      if (stop.aborted) return;
      await this.buildGolden(digest, profile, stop);
    }
    await Promise.all(Array.from({ length: this.parts.concurrency }, () => this.work(stop)));
  }

  private async introduce(stop: AbortSignal): Promise<RunnerWelcome | null> {
    const { name, driver, api, logger } = this.parts;
    const drivers = [{ name: driver.name, fidelity: driver.fidelity, capabilities: [...driver.capabilities] }];
    while (!stop.aborted) {
      try {
        return await api.hello({ name, drivers });
      } catch (error) {
        logger.warn({ err: messageOf(error) }, 'the server does not answer yet');
        await pause(stop);
      }
    }
    return null;
  }

  private async buildGolden(
    profileDigest: string,
    profile: RunnerWelcome['profiles'][number]['profile'],
    stop: AbortSignal,
  ): Promise<void> {
    const { api, goldens, logger } = this.parts;
    const none = { profileDigest, components: [], services: [], buildMilliseconds: 0 };
    await api
      .golden({ ...none, state: 'building' })
      .catch((error: unknown) => logger.warn({ err: messageOf(error) }, 'not told'));
    try {
      const golden = await goldens.build(profile, { signal: stop });
      const { digest, components, services, buildMilliseconds } = golden;
      await this.insist(stop, () =>
        api.golden({ profileDigest, state: 'ready', digest, components, services, buildMilliseconds }),
      );
      logger.info({ profile: profile.name, digest, buildMilliseconds }, 'golden ready');
    } catch (error) {
      if (stop.aborted) return;
      logger.error({ profile: profile.name, err: messageOf(error) }, 'golden not built');
      await this.insist(stop, () => api.golden({ ...none, state: 'failed', reason: messageOf(error).slice(0, 4000) }));
    }
  }

  private async work(stop: AbortSignal): Promise<void> {
    const { api, driver, workDir, logger } = this.parts;
    while (!stop.aborted) {
      try {
        const job = await api.claim(stop);
        if (job === null) continue;
        const log = logger.child({
          runId: job.runId,
          correlationId: job.correlationId,
          patch: job.patch.name,
          version: job.patch.version,
        });
        log.info({ attempt: job.attempt }, 'run begins');
        await runJob(job, driver, api, workDir, log, stop);
      } catch (error) {
        if (stop.aborted) return;
        logger.warn({ err: messageOf(error) }, 'trying again');
        await pause(stop);
      }
    }
  }

  private async insist(stop: AbortSignal, tell: () => Promise<void>): Promise<void> {
    while (!stop.aborted) {
      try {
        return await tell();
      } catch (error) {
        if (error instanceof LeaseGone) return;
        this.parts.logger.warn({ err: messageOf(error) }, 'the server does not answer');
        await pause(stop);
      }
    }
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const pause = (stop: AbortSignal): Promise<void> => sleep(RETRY_MS, undefined, { signal: stop }).catch(() => undefined);
