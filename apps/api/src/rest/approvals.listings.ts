import type { Approval, Channel, Outcome } from '@vouch/contracts';
import { iso, isoOrNull, type Listing } from '../listing/lists.js';
import { ofPatch } from './patches.listings.js';

/** Channels that a machine in scope reads: a policy is shared by an MSP's tenants, what others' machines are is not. */
const readByOwnMachine = `exists (select 1 from fleet_device d join approval_tenant_policy t on t.tenant_id = d.tenant_id
  where t.policy_id = c.policy_id and d.cohort_id = c.cohort_id and d.ring = c.ring)`;

interface ChannelRow {
  id: string;
  policy_id: string;
  policy: string;
  cohort_id: string;
  cohort: string;
  ring: number;
  version: number;
  published_version: number;
  published_until: Date | null;
}

export const channelListing: Listing<ChannelRow, Channel> = {
  name: 'channels',
  select: `c.id, c.policy_id, y.name as policy, c.cohort_id, h.label as cohort, c.ring, c.version, c.published_version, c.published_until`,
  from: `from approval_channel c join approval_policy y on y.id = c.policy_id join planning_cohort h on h.id = c.cohort_id
    where ${readByOwnMachine}`,
  sort: { sql: 'c.cohort_id::text', type: 'text' },
  id: { sql: 'c.id', type: 'uuid' },
  filters: { policyId: 'c.policy_id = ?', cohortId: 'c.cohort_id = ?' },
  view: (row) => ({
    id: row.id,
    policy: { id: row.policy_id, name: row.policy },
    cohort: { id: row.cohort_id, label: row.cohort },
    ring: row.ring,
    version: row.version,
    publishedVersion: row.published_version,
    publishedUntil: isoOrNull(row.published_until),
  }),
};

interface ApprovalRow {
  id: string;
  channel_id: string;
  revision_id: string;
  patch: string;
  version: string;
  verdict_id: string;
  state: Approval['state'];
  reason: string;
  coverage: Approval['coverage'];
  not_before: Date;
  expires_at: Date;
  approved_at: Date;
}

export const approvalListing: Listing<ApprovalRow, Approval> = {
  name: 'approvals',
  select: `a.id, a.channel_id, a.revision_id, p.external_id as patch, v.version, a.verdict_id, a.state, a.reason, a.coverage,
    a.not_before, a.expires_at, a.approved_at`,
  from: `from approval_approval a join approval_channel c on c.id = a.channel_id join catalog_revision v on v.id = a.revision_id
    join catalog_patch p on p.id = v.patch_id where ${readByOwnMachine}`,
  sort: { sql: 'a.approved_at', type: 'timestamptz' },
  id: { sql: 'a.id', type: 'uuid' },
  filters: { channelId: 'a.channel_id = ?', revisionId: 'a.revision_id = ?', state: 'a.state = ?' },
  view: (row) => ({
    id: row.id,
    channelId: row.channel_id,
    ...ofPatch(row),
    verdictId: row.verdict_id,
    state: row.state,
    reason: row.reason,
    coverage: { score: row.coverage.score, notCovered: row.coverage.notCovered },
    notBefore: iso(row.not_before),
    expiresAt: iso(row.expires_at),
    approvedAt: iso(row.approved_at),
  }),
};

interface OutcomeRow {
  tenant_id: string;
  device_id: string;
  device: string;
  revision_id: string;
  patch: string;
  version: string;
  result: Outcome['result'];
  healthy: boolean;
  detail: string;
  channel_version: number;
  reported_at: Date;
}

export const outcomeListing: Listing<OutcomeRow, Outcome> = {
  name: 'outcomes',
  select: `o.tenant_id, o.device_id, d.name as device, o.revision_id, p.external_id as patch, v.version, o.result, o.healthy,
    o.detail, o.channel_version, o.reported_at`,
  from: `from rollout_outcome o join fleet_device d on d.tenant_id = o.tenant_id and d.id = o.device_id
    join catalog_revision v on v.id = o.revision_id join catalog_patch p on p.id = v.patch_id where true`,
  sort: { sql: 'o.reported_at', type: 'timestamptz' },
  id: { sql: `(o.device_id::text || o.revision_id::text)`, type: 'text' },
  filters: {
    tenantId: 'o.tenant_id = ?',
    deviceId: 'o.device_id = ?',
    revisionId: 'o.revision_id = ?',
    result: 'o.result = ?',
  },
  view: (row) => ({
    tenantId: row.tenant_id,
    deviceId: row.device_id,
    device: row.device,
    ...ofPatch(row),
    result: row.result,
    healthy: row.healthy,
    detail: row.detail,
    channelVersion: row.channel_version,
    reportedAt: iso(row.reported_at),
  }),
};
