import type { ApiKey, Device, EnrolmentToken, Tenant } from '@vouch/contracts';
import { iso, isoOrNull, type Listing } from '../listing/lists.js';

interface TenantRow {
  tenant_id: string;
  name: string;
  created_at: Date;
  policy_id: string | null;
  policy: string | null;
  devices: number;
}

export const tenantListing: Listing<TenantRow, Tenant> = {
  name: 'tenants',
  select: `t.tenant_id, t.name, t.created_at, p.policy_id, y.name as policy,
    (select count(*)::int from fleet_device d where d.tenant_id = t.tenant_id and d.revoked_at is null) as devices`,
  from: `from identity_tenant t left join approval_tenant_policy p using (tenant_id) left join approval_policy y on y.id = p.policy_id
    where true`,
  sort: { sql: 't.created_at', type: 'timestamptz' },
  id: { sql: 't.tenant_id', type: 'uuid' },
  filters: { name: 't.name = ?' },
  view: (row) => ({
    id: row.tenant_id,
    name: row.name,
    createdAt: iso(row.created_at),
    policy: row.policy_id === null || row.policy === null ? null : { id: row.policy_id, name: row.policy },
    devices: row.devices,
  }),
};

interface DeviceRow {
  id: string;
  tenant_id: string;
  name: string;
  ring: number;
  stream: string | null;
  cohort_id: string | null;
  cohort: string | null;
  enrolled_at: Date;
  last_seen_at: Date | null;
  revoked_at: Date | null;
}

export const deviceListing: Listing<DeviceRow, Device> = {
  name: 'devices',
  select: `d.id, d.tenant_id, d.name, d.ring, d.stream, d.cohort_id, c.label as cohort, d.enrolled_at, d.last_seen_at, d.revoked_at`,
  from: 'from fleet_device d left join planning_cohort c on c.id = d.cohort_id where true',
  sort: { sql: 'd.enrolled_at', type: 'timestamptz' },
  id: { sql: 'd.id', type: 'uuid' },
  filters: { tenantId: 'd.tenant_id = ?', name: 'd.name = ?', stream: 'd.stream = ?' },
  view: (row) => ({
    id: row.id,
    tenantId: row.tenant_id,
    name: row.name,
    ring: row.ring,
    stream: row.stream,
    cohort: row.cohort_id === null || row.cohort === null ? null : { id: row.cohort_id, label: row.cohort },
    enrolledAt: iso(row.enrolled_at),
    lastSeenAt: isoOrNull(row.last_seen_at),
    revokedAt: isoOrNull(row.revoked_at),
  }),
};

interface TokenRow {
  id: string;
  tenant_id: string;
  ring: number;
  state: EnrolmentToken['state'];
  created_by: string;
  created_at: Date;
  expires_at: Date;
  used_at: Date | null;
  used_by: string | null;
}

export const enrolmentTokenListing: Listing<TokenRow, EnrolmentToken> = {
  name: 'enrolment-tokens',
  select: `k.id, k.tenant_id, k.ring, k.created_by, k.created_at, k.expires_at, k.used_at, k.used_by,
    case when k.used_at is not null then 'used' when k.revoked_at is not null then 'revoked'
         when k.expires_at <= now() then 'expired' else 'open' end as state`,
  from: 'from fleet_enrolment_token k where true',
  sort: { sql: 'k.created_at', type: 'timestamptz' },
  id: { sql: 'k.id', type: 'uuid' },
  filters: { tenantId: 'k.tenant_id = ?' },
  view: (row) => ({
    id: row.id,
    tenantId: row.tenant_id,
    ring: row.ring,
    state: row.state,
    createdBy: row.created_by,
    createdAt: iso(row.created_at),
    expiresAt: iso(row.expires_at),
    usedAt: isoOrNull(row.used_at),
    deviceId: row.used_by,
  }),
};

interface KeyRow {
  id: string;
  name: string;
  hint: string;
  role: string;
  actions: string[];
  reach: string[] | null;
  state: ApiKey['state'];
  maker: string;
  created_at: Date;
  expires_at: Date;
  last_used_at: Date | null;
  revoked_at: Date | null;
}

export const apiKeyListing: Listing<KeyRow, ApiKey> = {
  name: 'api-keys',
  select: `k.id, k.name, k.hint, k.role, k.actions, k.reach, k.maker, k.created_at, k.expires_at, k.last_used_at, k.revoked_at,
    case when k.revoked_at is not null then 'revoked' when k.expires_at <= now() then 'expired' else 'active' end as state`,
  from: 'from identity_api_key k where true',
  sort: { sql: 'k.created_at', type: 'timestamptz' },
  id: { sql: 'k.id', type: 'uuid' },
  filters: {},
  view: (row) => ({
    id: row.id,
    name: row.name,
    hint: row.hint,
    role: row.role,
    actions: row.actions,
    tenantIds: row.reach,
    state: row.state,
    createdBy: `member:${row.maker}`,
    createdAt: iso(row.created_at),
    expiresAt: iso(row.expires_at),
    lastUsedAt: isoOrNull(row.last_used_at),
    revokedAt: isoOrNull(row.revoked_at),
  }),
};
