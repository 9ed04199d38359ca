import type { Hold, Policy, PolicyRules, Waiver } from '@vouch/contracts';
import { iso, isoOrNull, type Listing } from '../listing/lists.js';
import { ofPatch } from './patches.listings.js';

interface PolicyRow {
  id: string;
  name: string;
  version: number;
  rules: PolicyRules;
  changed_at: Date | null;
  tenants: number;
}

/** Needs the owner's settings in its transaction. */
export const policyListing: Listing<PolicyRow, Policy> = {
  name: 'policies',
  select: `y.id, y.name, y.version, y.rules, y.changed_at,
    (select count(*)::int from approval_tenant_policy t where t.policy_id = y.id) as tenants`,
  from: 'from approval_policy y where y.msp_id = (select app_owner_id())',
  sort: { sql: 'y.name', type: 'text' },
  id: { sql: 'y.id', type: 'uuid' },
  filters: {},
  view: ({ id, name, version, rules, tenants, changed_at }) => ({
    id,
    name,
    version,
    rules,
    tenants,
    changedAt: isoOrNull(changed_at),
  }),
};

interface OrderRow {
  id: string;
  revision_id: string;
  patch: string;
  version: string;
  verdict_id: string;
  why: string;
  name: string;
  ordered_at: Date;
  until: Date;
}

const orders = (kind: 'hold' | 'waiver') => ({
  select: `o.id, o.revision_id, p.external_id as patch, v.version, o.verdict_id, o.why, o.name, o.ordered_at, o.until`,
  from: `from approval_order o join catalog_revision v on v.id = o.revision_id join catalog_patch p on p.id = v.patch_id
    where o.kind = '${kind}' and o.ended_at is null and (o.until is null or o.until > now())`,
  sort: { sql: 'o.ordered_at', type: 'timestamptz' as const },
  id: { sql: 'o.id', type: 'uuid' as const },
});
const orderOf = (row: OrderRow): Hold => ({
  id: row.id,
  ...ofPatch(row),
  why: row.why,
  by: row.name,
  since: iso(row.ordered_at),
});

export const holdListing: Listing<OrderRow, Hold> = {
  name: 'holds',
  ...orders('hold'),
  filters: { revisionId: 'o.revision_id = ?' },
  view: orderOf,
};

export const waiverListing: Listing<OrderRow, Waiver> = {
  name: 'waivers',
  ...orders('waiver'),
  filters: { verdictId: 'o.verdict_id = ?' },
  view: (row) => ({ ...orderOf(row), verdictId: row.verdict_id, until: iso(row.until) }),
};
