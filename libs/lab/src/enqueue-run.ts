import type { Artefact, TestPlan } from '@vouch/contracts';
import { idOf, publish, type Tx } from '@vouch/platform';

export interface WantedRun {
  readonly revisionId: string;
  readonly profileDigest: string;
  readonly goldenDigest: string;
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
}

/**
 * Queues a run unless the same (revision, golden, plan) was queued before, by whomever: I3. One that waits learns how much it
 * is wanted now.
 * @returns the run's id, the same for everybody who wants it
 */
export async function enqueueRun(tx: Tx, wanted: WantedRun): Promise<string> {
  const id = idOf('test-run', wanted.revisionId, wanted.goldenDigest, wanted.planDigest);
  const [row] = await tx.query<{ made: boolean }>(
    `insert into lab_test_run (id, revision_id, profile_digest, golden_digest, plan_digest, plan, priority, correlation_id, urgency, origins)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (id) do update set priority = excluded.priority, urgency = excluded.urgency, origins = excluded.origins
     returning xmax = 0 as made`,
    [
      id,
      wanted.revisionId,
      wanted.profileDigest,
      wanted.goldenDigest,
      wanted.planDigest,
      JSON.stringify(wanted.plan),
      wanted.priority,
      wanted.correlationId,
      wanted.urgency,
      wanted.origins,
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
  await publish(tx, { topic: 'lab.run-queued', payload: { runId: id }, correlationId: wanted.correlationId });
  return id;
}
