import type { PatchView, RunView, VerdictView } from '@vouch/contracts';
import type { Tx } from '@vouch/platform';
import type { PatchRow } from './patch-rows.js';

interface RingRow {
  revision_id: string;
  ring: number;
  state: PatchView['rings'][number]['state'];
  reason: string;
  installed: number;
  total: number;
}

interface CostRow {
  revision_id: string;
  lab_ms: number;
  amount_minor: number;
  currency: string;
  shares: { tenant_id: string; tenant: string; amount_minor: number }[] | null;
}

/** Patches as people watch them. */
export async function loadPatchViews(
  tx: Tx,
  rows: readonly PatchRow[],
  runs: ReadonlyMap<string, RunView>,
  verdicts: ReadonlyMap<string, VerdictView>,
): Promise<PatchView[]> {
  const ids = rows.map((row) => row.revision_id);
  const rings = await tx.query<RingRow>(
    `select r.revision_id, r.ring, min(r.state) as state, min(r.reason) as reason,
            count(d.id) filter (where o.result = 'installed' and o.healthy)::int as installed, count(d.id)::int as total
       from rollout_ring r
       join approval_tenant_policy t on t.policy_id = r.policy_id
       left join fleet_device d on d.tenant_id = t.tenant_id and d.cohort_id = r.cohort_id and d.ring = r.ring and d.revoked_at is null
       left join rollout_outcome o on o.tenant_id = d.tenant_id and o.device_id = d.id and o.revision_id = r.revision_id
      where r.revision_id = any ($1::uuid[]) group by r.revision_id, r.ring order by r.ring`,
    [ids],
  );
  const costs = await tx.query<CostRow>(
    `select c.revision_id, c.lab_ms, c.amount_minor, c.currency,
            (select json_agg(json_build_object('tenant_id', s.tenant_id, 'tenant', t.name, 'amount_minor', s.amount_minor) order by t.name)
               from billing_share s join identity_tenant t on t.tenant_id = s.tenant_id where s.cost_entry_id = c.id) as shares
       from billing_cost_entry c where c.revision_id = any ($1::uuid[]) order by c.metered_at`,
    [ids],
  );
  return rows.map((row) => ({
    revisionId: row.revision_id,
    patch: row.patch,
    version: row.version,
    sourceId: row.source_id,
    ...stageOf(row),
    devicesNeeding: row.devices,
    devicesInstalled: row.installed,
    tenantsNeeding: row.tenants,
    run: (row.run_id === null ? undefined : runs.get(row.run_id)) ?? null,
    verdict: (row.run_id === null ? undefined : verdicts.get(row.run_id)) ?? null,
    coverage: row.coverage,
    rings: rings
      .filter((ring) => ring.revision_id === row.revision_id)
      .map(({ ring, state, installed, total, reason }) => ({ ring, state, installed, total, reason })),
    cost: costOf(costs.filter((cost) => cost.revision_id === row.revision_id)),
  }));
}

function stageOf(row: PatchRow): Pick<PatchView, 'stage' | 'reason'> {
  if (row.revision_state !== 'offered' || row.ring_halted) {
    return {
      stage: 'held',
      reason:
        row.revision_state !== 'offered' ? row.revision_reason : 'A machine did not take it well; no other gets it.',
    };
  }
  if (row.run_id === null || row.run_state === 'cancelled') return { stage: 'needed', reason: row.waiting_reason };
  if (row.verdict === null)
    return { stage: row.run_state === 'queued' ? 'waiting-for-lab' : 'testing', reason: row.waiting_reason };
  if (row.held) return { stage: 'held', reason: row.decision_reason ?? '' };
  const sentence = row.decision === 'approved' ? (row.decision_reason ?? '') : (row.sentence ?? '');
  if (row.verdict === 'fail' && row.decision !== 'approved') return { stage: 'failed', reason: sentence };
  if (row.verdict === 'inconclusive' && row.decision !== 'approved') return { stage: 'inconclusive', reason: sentence };
  if (row.decision !== 'approved') return { stage: 'passed', reason: row.decision_reason ?? sentence };
  if (row.devices > 0 || row.installed === 0) return { stage: 'rolling-out', reason: sentence };
  return { stage: 'installed', reason: sentence };
}

/** What testing a revision cost in all its labs; costs in another currency than the first are on its statements only. */
function costOf(all: readonly CostRow[]): PatchView['cost'] {
  const [first] = all;
  if (first === undefined) return null;
  const { currency } = first;
  const rows = all.filter((row) => row.currency === currency);
  const shares = new Map<string, { tenant: string; amountMinor: number }>();
  for (const share of rows.flatMap((row) => row.shares ?? [])) {
    const before = shares.get(share.tenant_id)?.amountMinor ?? 0;
    shares.set(share.tenant_id, { tenant: share.tenant, amountMinor: before + share.amount_minor });
  }
  return {
    labSeconds: rows.reduce((sum, row) => sum + row.lab_ms, 0) / 1000,
    total: { amountMinor: rows.reduce((sum, row) => sum + row.amount_minor, 0), currency },
    shares: [...shares].map(([tenantId, { tenant, amountMinor }]) => ({
      tenantId,
      tenant,
      share: { amountMinor, currency },
    })),
  };
}
