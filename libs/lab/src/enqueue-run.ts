import type { Artefact, Component, TestPlan } from '@vouch/contracts';
import { idOf, publish, type Tx } from '@vouch/platform';
import { nextRun, type EarlierRun } from './domain/test-again.js';

export interface WantedRun {
  readonly revisionId: string;
  readonly profileDigest: string;
  readonly golden: {
    readonly digest: string;
    readonly driver: string;
    readonly components: readonly Component[];
    readonly services: readonly string[];
  };
  readonly plan: TestPlan;
  readonly planDigest: string;
  readonly artefacts: readonly Artefact[];
  /** How many machines wait for it. */
  readonly priority: number;
  /** One of `URGENCY`. */
  readonly urgency: number;
  /** Pseudonyms of those who want it. */
  readonly origins: readonly string[];
  readonly correlationId: string;
  readonly at: Date;
}

/**
 * Queues a run unless the same (revision, golden, plan) was queued before, by whomever, and what came of it still counts: I3.
 * One that waits learns how much it is wanted now. What was known of the golden is kept with it.
 * @returns the run's id, the same for everybody who wants it
 */
export async function enqueueRun(tx: Tx, wanted: WantedRun): Promise<string> {
  const { golden } = wanted;
  await tx.query(
    `insert into lab_tested_golden (digest, components, services) values ($1, $2, $3) on conflict do nothing`,
    [golden.digest, JSON.stringify(golden.components), JSON.stringify(golden.services)],
  );
  const newest = await newestRun(tx, wanted);
  const next = nextRun(newest, wanted.at);
  if (next.kind === 'new') return makeRun(tx, wanted, next);
  const id = newest?.id ?? '';
  await tx.query(`update lab_test_run set priority = $2, urgency = $3, origins = $4 where id = $1`, [
    id,
    wanted.priority,
    wanted.urgency,
    wanted.origins,
  ]);
  if (next.kind === 'join') return id;
  const queued = await tx.query(
    `update lab_test_run set state = 'queued', golden_gone = false, cancelled_why = '', finished_at = null, queued_at = $2
      where id = $1 and state = 'cancelled' and golden_gone returning id`,
    [id, wanted.at],
  );
  if (queued.length > 0) await tellQueued(tx, id, wanted);
  return id;
}

async function makeRun(
  tx: Tx,
  wanted: WantedRun,
  { generation, labRepeats, cause }: Extract<ReturnType<typeof nextRun>, { kind: 'new' }>,
): Promise<string> {
  const { revisionId, golden, planDigest } = wanted;
  // By its generation: whoever else makes the next one at this moment makes the same.
  const later = generation === 1 ? [] : [String(generation)];
  const id = idOf('test-run', revisionId, golden.digest, planDigest, ...later);
  // One after the other: a row has two unique keys, and an insertion can look out for one of them only.
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [id]);
  const [row] = await tx.query<{ made: boolean }>(
    `insert into lab_test_run (id, revision_id, profile_digest, golden_digest, plan_digest, plan, priority, correlation_id, urgency, origins,
                               generation, lab_repeats, cause, driver, queued_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
     on conflict (id) do update set priority = excluded.priority, urgency = excluded.urgency, origins = excluded.origins
     returning xmax = 0 as made`,
    [
      id,
      revisionId,
      wanted.profileDigest,
      golden.digest,
      planDigest,
      JSON.stringify(wanted.plan),
      wanted.priority,
      wanted.correlationId,
      wanted.urgency,
      wanted.origins,
      generation,
      labRepeats,
      cause,
      golden.driver,
      wanted.at,
    ],
  );
  if (row?.made !== true) return id;
  for (const a of wanted.artefacts) {
    await tx.query(
      `insert into lab_test_run_artefact (run_id, package, version, architecture, file_name, size_bytes, sha256)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [id, a.package, a.version, a.architecture, a.fileName, a.sizeBytes, a.sha256],
    );
  }
  await tellQueued(tx, id, wanted);
  return id;
}

const tellQueued = (tx: Tx, runId: string, { correlationId }: WantedRun): Promise<void> =>
  publish(tx, { topic: 'lab.run-queued', payload: { runId }, correlationId });

async function newestRun(
  tx: Tx,
  { revisionId, golden, planDigest }: WantedRun,
): Promise<(EarlierRun & { readonly id: string }) | undefined> {
  const [row] = await tx.query<EarlierRun & { readonly id: string }>(
    `select r.id, r.state, r.generation, r.lab_repeats as "labRepeats", r.cause, r.golden_gone as "goldenGone", v.result,
            v.repeat_at as "repeatAt", r.repeat_asked_at is not null as asked
       from lab_test_run r left join lab_verdict v on v.run_id = r.id
      where r.revision_id = $1 and r.golden_digest = $2 and r.plan_digest = $3 order by r.generation desc limit 1`,
    [revisionId, golden.digest, planDigest],
  );
  return row;
}

/** Lets what is due on a golden that the plan does not need any more be looked at again tomorrow, and not all the time. */
export async function passOverRepeats(tx: Tx, revisionId: string, chosen: readonly string[], now: Date): Promise<void> {
  await tx.query(
    `update lab_verdict set repeat_at = $3::timestamptz + interval '1 day'
      where revision_id = $1 and golden_digest <> all ($2::text[]) and repeat_at <= $3`,
    [revisionId, chosen, now],
  );
  await tx.query(
    `update lab_test_run set repeat_asked_at = null
      where revision_id = $1 and golden_digest <> all ($2::text[]) and repeat_asked_at is not null`,
    [revisionId, chosen],
  );
}
