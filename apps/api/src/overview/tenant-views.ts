import type { DeviceView, Fingerprint, TenantView } from '@vouch/contracts';
import type { Tx } from '@vouch/platform';
import type { PatchRow } from './patch-rows.js';

interface DeviceRow {
  tenant_id: string;
  id: string;
  name: string;
  ring: number;
  last_seen_at: Date | null;
  cohort_id: string | null;
  cohort: string | null;
  components: Fingerprint['components'] | null;
}

interface OutcomeRow {
  device_id: string;
  revision_id: string;
  result: 'installed' | 'failed' | 'refused';
  healthy: boolean;
  detail: string;
}

interface RingRow {
  policy_id: string;
  cohort_id: string;
  revision_id: string;
  ring: number;
  state: 'closed' | 'open' | 'healthy' | 'halted';
  reason: string;
  /** Not offered now, though nothing went wrong. */
  held: boolean;
}

interface StatementRow {
  tenant_id: string;
  id: string;
  period: string;
  state: 'closed' | 'invoiced' | 'paid';
  total_minor: number;
  currency: string;
  invoice_id: string | null;
  invoice_url: string | null;
}

/** Tenants in scope with their devices, and for each device why each patch is or is not on it. */
export async function loadTenantViews(tx: Tx, patches: readonly PatchRow[]): Promise<TenantView[]> {
  const tenants = await tx.query<{ tenant_id: string; name: string; policy_id: string | null }>(
    `select t.tenant_id, t.name, p.policy_id from identity_tenant t left join approval_tenant_policy p using (tenant_id) order by t.name`,
  );
  const devices = await tx.query<DeviceRow>(
    `select d.tenant_id, d.id, d.name, d.ring, d.last_seen_at, d.cohort_id, c.label as cohort, d.fingerprint->'components' as components
       from fleet_device d left join planning_cohort c on c.id = d.cohort_id where d.revoked_at is null order by d.ring, d.name`,
  );
  const outcomes = await tx.query<OutcomeRow>(
    'select device_id, revision_id, result, healthy, detail from rollout_outcome',
  );
  const rings = await tx.query<RingRow>(
    `select r.policy_id, r.cohort_id, r.revision_id, r.ring, r.state, r.reason,
            exists (select 1 from approval_channel c join approval_approval a on a.channel_id = c.id and a.revision_id = r.revision_id
                     where c.policy_id = r.policy_id and c.cohort_id = r.cohort_id and c.ring = r.ring and a.state = 'held') as held
       from rollout_ring r where r.revision_id = any ($1::uuid[])`,
    [patches.map((patch) => patch.revision_id)],
  );
  const statements = await tx.query<StatementRow>(
    `select tenant_id, id, period, state, total_minor, currency, invoice_id, invoice_url from billing_statement order by closed_at`,
  );
  return tenants.map((tenant) => ({
    id: tenant.tenant_id,
    name: tenant.name,
    devices: devices
      .filter((device) => device.tenant_id === tenant.tenant_id)
      .map((device) => {
        const own = rings.filter(
          (r) => r.policy_id === tenant.policy_id && r.cohort_id === device.cohort_id && r.ring === device.ring,
        );
        return deviceView(device, patches, outcomes, own);
      }),
    statements: statements
      .filter((statement) => statement.tenant_id === tenant.tenant_id)
      .map((s) => ({
        id: s.id,
        period: s.period,
        state: s.state,
        total: { amountMinor: s.total_minor, currency: s.currency },
        invoiceId: s.invoice_id,
        invoiceUrl: s.invoice_url,
      })),
  }));
}

function deviceView(
  device: DeviceRow,
  patches: readonly PatchRow[],
  outcomes: readonly OutcomeRow[],
  rings: readonly RingRow[],
): DeviceView {
  const relevant = patches.flatMap((patch) => {
    const component = device.components?.find((c) => c.source === patch.patch);
    if (component === undefined) return [];
    const outcome = outcomes.find((o) => o.device_id === device.id && o.revision_id === patch.revision_id);
    const ring = rings.find((r) => r.revision_id === patch.revision_id);
    return [
      {
        revisionId: patch.revision_id,
        installedVersion: component.version,
        ...standing(patch, component.sourceVersion, outcome, ring),
      },
    ];
  });
  return {
    id: device.id,
    name: device.name,
    ring: device.ring,
    lastSeenAt: device.last_seen_at?.toISOString() ?? null,
    cohort: device.cohort ?? 'not known yet',
    patches: relevant,
  };
}

/** "Why is this patch not on this machine yet?", in one sentence (I8). */
function standing(
  patch: PatchRow,
  installedVersion: string,
  outcome: OutcomeRow | undefined,
  ring: RingRow | undefined,
): Pick<DeviceView['patches'][number], 'state' | 'reason'> {
  if (outcome?.result === 'installed') {
    return outcome.healthy
      ? { state: 'installed', reason: 'Installed; its services are well.' }
      : { state: 'failed', reason: `Installed, but not well: ${outcome.detail}` };
  }
  if (outcome) return { state: outcome.result, reason: outcome.detail };
  if (installedVersion === patch.version) return { state: 'installed', reason: 'The machine has this version.' };
  if (ring?.held === false && (ring.state === 'open' || ring.state === 'healthy'))
    return { state: 'offered', reason: 'Approved and offered; the machine has not reported yet.' };
  if (ring) return { state: 'needed', reason: ring.reason };
  return { state: 'needed', reason: patch.decision_reason ?? patch.waiting_reason };
}
