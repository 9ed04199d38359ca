import { audit, publish, type Tx } from '@vouch/platform';
import { isLeftBehind, silentSince } from './silent-runners.js';

const GONE = 'No lab has the environment any more that it was queued for; it is tested in what there is instead.';
const SILENT =
  'The lab-runner that has the environment it was queued for does not answer any more; it is tested by another instead.';

/**
 * Calls off what waits for a golden that no lab-runner has or builds, or only one that has fallen silent while another has the
 * same profile: nobody could take it. The planner tests the patch on
 * what there is, or on the same golden when somebody has it again.
 */
export async function endRunsWithoutGolden(tx: Tx, now: Date): Promise<number> {
  const ended = await tx.query<{ id: string; correlation_id: string; why: string }>(
    `update lab_test_run r set state = 'cancelled', finished_at = $1, golden_gone = true,
            cancelled_why = case when exists (select 1 from lab_golden g
                                               where g.digest = r.golden_digest and g.state in ('ready', 'building'))
                                 then $3 else $2 end
      where r.state = 'queued' and not exists (
            select 1 from lab_golden g
             where g.digest = r.golden_digest and g.state in ('ready', 'building') and not ${isLeftBehind('g', '$4')})
      returning r.id, r.correlation_id, r.cancelled_why as why`,
    [now, GONE, SILENT, silentSince(now)],
  );
  for (const { id: runId, correlation_id: correlationId, why } of ended) {
    audit(tx, {
      tenantId: null,
      at: now,
      actor: 'platform',
      action: 'run.cancelled',
      subject: `run:${runId}`,
      why,
      before: { state: 'queued' },
      after: { state: 'cancelled' },
    });
    await publish(tx, { topic: 'lab.run-progressed', payload: { runId }, correlationId });
  }
  return ended.length;
}
