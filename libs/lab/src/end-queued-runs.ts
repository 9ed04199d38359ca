import { audit, publish, type Tx } from '@vouch/platform';

const WHY = 'No lab has the environment any more that it was queued for; it is tested in what there is instead.';

/**
 * Calls off what waits for a golden that no lab-runner has or builds: nobody could ever take it. The planner tests the patch on
 * what there is, or on the same golden when somebody has it again.
 */
export async function endRunsWithoutGolden(tx: Tx, now: Date): Promise<number> {
  const ended = await tx.query<{ id: string; correlation_id: string }>(
    `update lab_test_run r set state = 'cancelled', finished_at = $1, cancelled_why = $2, golden_gone = true
      where r.state = 'queued' and not exists (
            select 1 from lab_golden g where g.digest = r.golden_digest and g.state in ('ready', 'building'))
      returning r.id, r.correlation_id`,
    [now, WHY],
  );
  for (const { id: runId, correlation_id: correlationId } of ended) {
    audit(tx, {
      tenantId: null,
      at: now,
      actor: 'platform',
      action: 'run.cancelled',
      subject: `run:${runId}`,
      why: WHY,
      before: { state: 'queued' },
      after: { state: 'cancelled' },
    });
    await publish(tx, { topic: 'lab.run-progressed', payload: { runId }, correlationId });
  }
  return ended.length;
}
