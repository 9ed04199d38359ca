import type { Invitation, Member, Msp } from '@vouch/contracts';
import type { Listing } from '../listing/lists.js';

interface MemberRow {
  id: string;
  tenant_id: string | null;
  name: string;
  email: string;
  role: Member['role'];
  created_at: Date;
}

export const memberListing: Listing<MemberRow, Member> = {
  name: 'members',
  select: 'm.id, m.tenant_id, m.name, m.email, m.role, m.created_at',
  from: 'from identity_member m where m.removed_at is null',
  sort: { sql: 'm.created_at', type: 'timestamptz' },
  id: { sql: 'm.id', type: 'uuid' },
  filters: { tenantId: 'm.tenant_id = ?' },
  view: ({ id, tenant_id: tenantId, name, email, role, created_at: at }) => ({
    id,
    tenantId,
    name,
    email,
    role,
    createdAt: at.toISOString(),
  }),
};

interface MspRow {
  id: string;
  name: string;
  created_at: Date;
}

export const mspListing: Listing<MspRow, Msp> = {
  name: 'msps',
  select: 'o.id, o.name, o.created_at',
  from: 'from identity_msp o where true',
  sort: { sql: 'o.created_at', type: 'timestamptz' },
  id: { sql: 'o.id', type: 'uuid' },
  filters: {},
  view: ({ id, name, created_at: at }) => ({ id, name, createdAt: at.toISOString() }),
};

interface InvitationRow {
  id: string;
  tenant_id: string | null;
  email: string;
  role: Invitation['role'];
  state: Invitation['state'];
  invited_by: string;
  created_at: Date;
  expires_at: Date;
}

export const invitationListing: Listing<InvitationRow, Invitation> = {
  name: 'invitations',
  select: `i.id, i.tenant_id, i.email, i.role, i.invited_by, i.created_at, i.expires_at,
    case when i.accepted_at is not null then 'accepted' when i.revoked_at is not null then 'revoked'
         when i.expires_at <= now() then 'expired' else 'open' end as state`,
  from: 'from identity_invitation i where true',
  sort: { sql: 'i.created_at', type: 'timestamptz' },
  id: { sql: 'i.id', type: 'uuid' },
  filters: {},
  view: ({ id, tenant_id: tenantId, email, role, state, ...row }) => ({
    id,
    tenantId,
    email,
    role,
    state,
    invitedBy: row.invited_by,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
  }),
};
