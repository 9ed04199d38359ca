import type { Tx } from '@vouch/platform';

/** A revision that tenants in scope need or needed, with where it stands. */
export interface PatchRow {
  readonly revision_id: string;
  readonly source_id: string;
  readonly patch: string;
  readonly version: string;
  readonly revision_state: string;
  readonly revision_reason: string;
  readonly first_at: Date;
  readonly devices: number;
  readonly tenants: number;
  readonly installed: number;
  readonly failed: number;
  readonly run_id: string | null;
  readonly run_state: string | null;
  readonly cancelled_why: string | null;
  readonly verdict: 'pass' | 'fail' | 'inconclusive' | null;
  readonly sentence: string | null;
  readonly coverage: { score: number; notCovered: string[] } | null;
  readonly decision: 'approved' | 'refused' | 'waiting' | null;
  readonly decision_reason: string | null;
  /** Held by an order of the MSP. */
  readonly held: boolean;
  readonly ring_halted: boolean;
  /** Why no lab can test it; empty when one can. */
  readonly untestable: string;
  /** Why nothing was decided yet. */
  readonly waiting_reason: string;
}

export async function loadPatchRows(tx: Tx): Promise<PatchRow[]> {
  const rows = await tx.query<Omit<PatchRow, 'waiting_reason'>>(
    `with need as (
       select revision_id, sum(devices)::int as devices, count(distinct tenant_id)::int as tenants, min(first_at) as first_at
         from fleet_need group by revision_id),
     outcome as (
       select revision_id, count(*) filter (where result = 'installed' and healthy)::int as installed,
              count(*) filter (where result <> 'installed' or not healthy)::int as failed
         from rollout_outcome group by revision_id)
     select n.revision_id, p.source_id, p.external_id as patch, v.version, v.state as revision_state, v.reason as revision_reason,
            n.first_at, n.devices, n.tenants, coalesce(o.installed, 0) as installed, coalesce(o.failed, 0) as failed,
            r.id as run_id, r.state as run_state, r.cancelled_why, j.result as verdict, j.sentence,
            d.coverage, d.outcome as decision, d.reason as decision_reason, coalesce(d.held, false) as held,
            coalesce((select max(untestable) from planning_demand m where m.revision_id = n.revision_id and m.devices > 0), '') as untestable,
            exists (select 1 from rollout_ring g join approval_tenant_policy t on t.policy_id = g.policy_id
                     where g.revision_id = n.revision_id and g.state = 'halted') as ring_halted
       from need n
       join catalog_revision v on v.id = n.revision_id
       join catalog_patch p on p.id = v.patch_id
       left join outcome o on o.revision_id = n.revision_id
       left join lateral (select x.coverage, x.outcome, x.reason, x.hold_id is not null as held
                            from approval_decision x join approval_tenant_policy t on t.policy_id = x.policy_id
                           where x.revision_id = n.revision_id order by x.decided_at desc limit 1) d on true
       -- A repetition before a verdict ends is of no interest until there is another verdict, and of what is approved
       -- neither is a test in one more environment: what is offered goes on being offered meanwhile.
       left join lateral (select t.id, t.state, t.cancelled_why from lab_test_run t left join lab_verdict k on k.run_id = t.id
                           where t.revision_id = n.revision_id and (t.cause <> 'expired' or t.state = 'judged')
                           order by (d.outcome is not distinct from 'approved' and k.id is not null) desc, t.queued_at desc
                           limit 1) r on true
       left join lab_verdict j on j.run_id = r.id
      order by n.first_at, p.external_id`,
  );
  return rows.map((row) => ({ ...row, waiting_reason: waitingReason(row) }));
}

function waitingReason(row: Omit<PatchRow, 'waiting_reason'>): string {
  if (row.revision_state !== 'offered') return row.revision_reason;
  if (row.run_id === null) return row.untestable || 'No lab has taken it yet.';
  if (row.run_state === 'queued') return 'Waits for its turn in the lab.';
  if (row.run_state === 'cancelled') return `Its test was called off: ${row.cancelled_why}`;
  if (row.verdict === null) return 'It is being tested in the lab now.';
  return row.sentence ?? '';
}
