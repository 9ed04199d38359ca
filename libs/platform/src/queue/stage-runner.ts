import { Queue, Worker, type Job, type JobsOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { runAsJob } from '../database/job.js';
import { newId } from '../ids.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';
import { checkStages, type Stage } from './stage.js';

const JobData = z.object({ key: z.string().min(1), correlationId: z.string().min(1) });
type JobData = z.infer<typeof JobData>;

/**
 * Jobs are removed when they end, so an id can be used again: the id only merges requests that are still waiting.
 * A worker that dies gives its job back; dying ten times is still no failure of the job.
 */
const jobOptions: JobsOptions = {
  attempts: 5,
  backoff: { type: 'exponential', delay: 500 },
  removeOnComplete: true,
  removeOnFail: true,
};

/** Runs stages on BullMQ queues, one queue a stage, and re-derives missing work from PostgreSQL. */
export class StageRunner {
  private readonly queues = new Map<string, Queue<JobData>>();
  private readonly workers: Worker<JobData>[] = [];
  private reconciling: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly stages: readonly Stage[],
    private readonly redisUrl: string,
    private readonly logger: Logger,
    private readonly metrics: Metrics,
  ) {
    checkStages(stages);
  }

  private connection(forWorker: boolean): Redis {
    const redis = new Redis(this.redisUrl, { maxRetriesPerRequest: forWorker ? null : 3 });
    redis.on('error', (error) => this.logger.warn({ err: error.message }, 'redis connection'));
    return redis;
  }

  start(reconcileSeconds: number): void {
    const shared = this.connection(false);
    for (const stage of this.stages) {
      this.queues.set(stage.name, new Queue<JobData>(stage.name, { connection: shared, prefix: 'vouch' }));
      const worker = new Worker<JobData>(stage.name, (job) => this.handle(stage, job), {
        connection: this.connection(true),
        prefix: 'vouch',
        concurrency: stage.concurrency,
        maxStalledCount: 10,
        stalledInterval: 5_000,
        lockDuration: 30_000,
      });
      worker.on('error', (error) => this.logger.warn({ stage: stage.name, err: error.message }, 'queue worker'));
      this.workers.push(worker);
    }
    void this.reconcileForever(reconcileSeconds * 1000);
  }

  /** Hands a waking event to the stages that listen to its topic. The id makes a repeated hand-over one job. */
  async wake(event: {
    id: number;
    topic: string;
    payload: Record<string, unknown>;
    correlationId: string;
  }): Promise<void> {
    for (const stage of this.stages) {
      const key = stage.wakes[event.topic as keyof Stage['wakes']]?.(event.payload);
      if (key === undefined || key === null) continue;
      await this.add(stage.name, key, event.correlationId, `ob-${event.id}`);
    }
  }

  /** One pass over all stages: queues whatever PostgreSQL says is waiting. Returns how many keys. */
  async reconcile(): Promise<number> {
    let found = 0;
    for (const stage of this.stages) {
      for (const key of await runAsJob(stage.name, () => stage.pending())) {
        found += 1;
        await this.add(stage.name, key, newId(), `rec-${key.replaceAll(':', '_')}`);
      }
    }
    return found;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.reconciling);
    await Promise.allSettled(this.workers.map((worker) => worker.close()));
    await Promise.allSettled([...this.queues.values()].map((queue) => queue.close()));
  }

  private async add(stage: string, key: string, correlationId: string, jobId: string): Promise<void> {
    await this.queues.get(stage)?.add(stage, { key, correlationId }, { ...jobOptions, jobId });
  }

  private async handle(stage: Stage, job: Job<JobData>): Promise<void> {
    const { key, correlationId } = JobData.parse(job.data);
    const log = this.logger.child({ stage: stage.name, key, correlationId });
    const stop = this.metrics.jobSeconds.startTimer({ queue: stage.name });
    try {
      await runAsJob(stage.name, () => stage.process(key, correlationId));
      this.metrics.jobs.inc({ queue: stage.name, outcome: 'done' });
      log.debug('stage done');
    } catch (error) {
      this.metrics.jobs.inc({ queue: stage.name, outcome: 'failed' });
      log.error(
        { err: error instanceof Error ? { message: error.message, stack: error.stack } : error },
        'stage failed',
      );
      throw error;
    } finally {
      stop();
    }
  }

  private async reconcileForever(everyMs: number): Promise<void> {
    if (this.closed) return;
    try {
      await this.reconcile();
    } catch (error) {
      this.logger.warn({ err: error instanceof Error ? error.message : error }, 'reconciliation will be tried again');
    }
    if (this.closed) return;
    this.reconciling = setTimeout(() => void this.reconcileForever(everyMs), everyMs);
  }
}
