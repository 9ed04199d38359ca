import type { Artefact, LabJob, RunReport, StepProgress, TestPlan } from '@vouch/contracts';
import { publish, shared, type Clock, type Database, type Tx } from '@vouch/platform';
import { LeaseLost } from './lease.js';
import { forgetOutput } from './run-output.js';
import { takeTurn } from './take-turn.js';

interface ClaimedRow {
  id: string;
  revision_id: string;
  profile_digest: string;
  golden_digest: string;
  plan: TestPlan;
  attempt: number;
  correlation_id: string;
  source_id: string;
  external_id: string;
  version: string;
}

const LOST_LEASES_ALLOWED = 5;

/**
 * The queue of test runs. It lives in PostgreSQL: a run is leased, the lease is renewed by heartbeats and by progress,
 * and a run whose lease runs out goes back to the queue.
 */
export class RunQueue {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly leaseSeconds: number,
  ) {}

  /**
   * Leases the run whose turn it is (`domain/fair-queue.ts`), of those whose golden this runner has ready and whose driver it
   * has room for.
   * @param drivers only runs for goldens of these; null: any
   */
  async claim(runnerId: string, drivers: readonly string[] | null = null): Promise<LabJob | null> {
    return this.database.transaction(shared, async (tx) => {
      const now = this.clock();
      await tx.query(`update lab_runner set last_seen_at = $2 where id = $1`, [runnerId, now]);
      const next = await takeTurn(tx, runnerId, drivers, now);
      if (next === null) return null;
      const [run] = await tx.query<ClaimedRow>(
        `update lab_test_run r
            set state = 'leased', runner_id = $1, lease_until = $2, attempt = attempt + 1, started_at = $3
           from catalog_revision v, catalog_patch p
          where r.id = $4 and v.id = r.revision_id and p.id = v.patch_id
         returning r.id, r.revision_id, r.profile_digest, r.golden_digest, r.plan, r.attempt, r.correlation_id,
                   p.source_id, p.external_id, v.version`,
        [runnerId, this.leaseEnd(), now, next],
      );
      if (!run) return null;
      await this.news(tx, run.id, run.correlation_id);
      return {
        runId: run.id,
        attempt: run.attempt,
        leaseSeconds: this.leaseSeconds,
        correlationId: run.correlation_id,
        patch: { revisionId: run.revision_id, source: run.source_id, name: run.external_id, version: run.version },
        artefacts: await artefactsOfRun(tx, run.id),
        profileDigest: run.profile_digest,
        goldenDigest: run.golden_digest,
        plan: run.plan,
      };
    });
  }

  /** Has this runner anything to test? */
  async hasLease(runnerId: string): Promise<boolean> {
    const held = await this.database.read(
      shared,
      `select 1 from lab_test_run where runner_id = $1 and state in ('leased', 'running') limit 1`,
      [runnerId],
    );
    return held.length > 0;
  }

  /** @throws LeaseLost */
  async heartbeat(runnerId: string, runId: string, attempt: number): Promise<void> {
    await this.database.transaction(shared, async (tx) => {
      await this.renew(tx, runnerId, runId, attempt);
      await tx.query(`update lab_runner set last_seen_at = $2 where id = $1`, [runnerId, this.clock()]);
    });
  }

  /** @throws LeaseLost */
  async progress(runnerId: string, runId: string, progress: StepProgress): Promise<void> {
    await this.database.transaction(shared, async (tx) => {
      const correlationId = await this.renew(tx, runnerId, runId, progress.attempt);
      await tx.query(
        `insert into lab_test_step (run_id, attempt, step, started_at, observation) values ($1, $2, $3, $4, $5)
         on conflict (run_id, attempt, step) do update set observation = coalesce(excluded.observation, lab_test_step.observation)`,
        [
          runId,
          progress.attempt,
          progress.step,
          progress.observation?.startedAt ?? this.clock(),
          progress.observation === undefined ? null : JSON.stringify(progress.observation),
        ],
      );
      await this.news(tx, runId, correlationId);
    });
  }

  /**
   * Ends a run with what was seen. Telling it twice changes nothing.
   * @throws LeaseLost
   */
  async report(runnerId: string, runId: string, report: RunReport): Promise<void> {
    await this.database.transaction(shared, async (tx) => {
      const [done] = await tx.query<{ attempt: number }>(
        `select attempt from lab_test_run where id = $1 and runner_id = $2 and state in ('reported', 'judged')`,
        [runId, runnerId],
      );
      if (done?.attempt === report.attempt) return;
      const correlationId = await this.renew(tx, runnerId, runId, report.attempt);
      await tx.query(
        `update lab_test_run set state = 'reported', lease_until = null, finished_at = $2, observations = $3, evidence = $4
          where id = $1`,
        [runId, this.clock(), JSON.stringify(report.observations), JSON.stringify(report.evidence)],
      );
      await forgetOutput(tx, [runId]);
      await publish(tx, { topic: 'lab.run-reported', payload: { runId }, correlationId });
    });
  }

  /** Takes back runs whose lease ran out; one that lost its lease too often is reported as the lab's failure. */
  async recoverLostLeases(): Promise<number> {
    return this.database.transaction(shared, async (tx) => {
      const lost = await tx.query<{ id: string; attempt: number; correlation_id: string }>(
        `update lab_test_run set state = 'queued', runner_id = null, lease_until = null
          where state in ('leased', 'running') and lease_until < $1 returning id, attempt, correlation_id`,
        [this.clock()],
      );
      await forgetOutput(
        tx,
        lost.map(({ id }) => id),
      );
      for (const run of lost) {
        if (run.attempt >= LOST_LEASES_ALLOWED) {
          await tx.query(`update lab_test_run set state = 'reported', finished_at = $2 where id = $1`, [
            run.id,
            this.clock(),
          ]);
          await publish(tx, {
            topic: 'lab.run-reported',
            payload: { runId: run.id },
            correlationId: run.correlation_id,
          });
        } else {
          await publish(tx, { topic: 'lab.run-queued', payload: { runId: run.id }, correlationId: run.correlation_id });
        }
      }
      return lost.length;
    });
  }

  private async renew(tx: Tx, runnerId: string, runId: string, attempt: number): Promise<string> {
    const [run] = await tx.query<{ correlation_id: string }>(
      `update lab_test_run set lease_until = $4, state = 'running'
        where id = $1 and runner_id = $2 and attempt = $3 and state in ('leased', 'running') returning correlation_id`,
      [runId, runnerId, attempt, this.leaseEnd()],
    );
    if (!run) throw new LeaseLost(runId);
    return run.correlation_id;
  }

  private leaseEnd(): Date {
    return new Date(this.clock().getTime() + this.leaseSeconds * 1000);
  }

  private news(tx: Tx, runId: string, correlationId: string): Promise<void> {
    return publish(tx, { topic: 'lab.run-progressed', payload: { runId }, correlationId });
  }
}

/** The exact files that a run tests. */
export async function artefactsOfRun(tx: Tx, runId: string): Promise<Artefact[]> {
  return tx.query<Artefact>(
    `select package, version, architecture, file_name as "fileName", size_bytes as "sizeBytes", sha256
       from lab_test_run_artefact where run_id = $1 order by package, architecture`,
    [runId],
  );
}
