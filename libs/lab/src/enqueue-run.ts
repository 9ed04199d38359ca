import type { Artefact, TestPlan } from '@vouch/contracts';
import { idOf, publish, type Tx } from '@vouch/platform';

export interface WantedRun {
  readonly revisionId: string;
  readonly profileDigest: string;
  readonly goldenDigest: string;
  readonly plan: TestPlan;
  readonly planDigest: string;
  readonly artefacts: readonly Artefact[];
  readonly priority: number;
  readonly correlationId: string;
}

/**
 * Queues a run unless the same (revision, golden, plan) was queued before, by whomever: I3.
 * @returns the run's id, the same for everybody who wants it
 */
export async function enqueueRun(tx: Tx, wanted: WantedRun): Promise<string> {
  const id = idOf('test-run', wanted.revisionId, wanted.goldenDigest, wanted.planDigest);
  const made = await tx.query(
    `insert into lab_test_run (id, revision_id, profile_digest, golden_digest, plan_digest, plan, priority, correlation_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning id`,
    [
      id,
      wanted.revisionId,
      wanted.profileDigest,
      wanted.goldenDigest,
      wanted.planDigest,
      JSON.stringify(wanted.plan),
      wanted.priority,
      wanted.correlationId,
    ],
  );
  if (made.length === 0) return id;
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
