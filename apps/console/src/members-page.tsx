import { useCallback, useEffect, useState } from 'react';
import type { Invitation, Member, TenantView } from '@vouch/contracts';
import { api } from './api.js';
import { Badge } from './badge.js';
import { Field, Form } from './form.js';
import { time } from './format.js';
import { roles } from './words.js';

/** The least mighty first: it is what an invitation proposes. */
const OF_MSP = ['msp-reader', 'technician', 'msp-owner'];
const OF_TENANT = ['tenant-viewer', 'tenant-owner'];

/** Who belongs to the organisation and its customers; owners invite, change and remove. */
export function MembersPage({
  tenants,
  ofMsp,
  manages,
}: {
  tenants: readonly TenantView[];
  ofMsp: boolean;
  manages: boolean;
}) {
  const [members, setMembers] = useState<readonly Member[]>([]);
  const [invitations, setInvitations] = useState<readonly Invitation[]>([]);
  const load = useCallback(() => {
    void api.members().then(setMembers, () => undefined);
    void api.invitations().then(setInvitations, () => undefined);
  }, []);
  useEffect(load, [load]);
  const nameOf = (tenantId: string | null): string =>
    tenantId === null ? 'Consultancy' : (tenants.find(({ id }) => id === tenantId)?.name ?? 'Customer');
  const open = invitations.filter(({ state }) => state === 'open');
  return (
    <div className="account">
      <section className="card wide">
        <h2>Members</h2>
        <ul className="rows">
          {members.map((member) => (
            <li key={member.id}>
              <strong>{member.name}</strong>
              <small>
                {member.email}, {nameOf(member.tenantId)}
              </small>
              {manages ? (
                <Change member={member} onChange={load} />
              ) : (
                <Badge tone="quiet">{roles[member.role] ?? member.role}</Badge>
              )}
            </li>
          ))}
        </ul>
      </section>
      {manages && (
        <section className="card">
          <h2>Invite</h2>
          <Form
            label="Send the invitation"
            onSubmit={async ({ email = '', role = '', tenant = '' }) => api.invite(email, role, tenant).then(load)}
          >
            <Field label="E-mail" name="email" type="email" />
            <InviteWhere tenants={tenants} ofMsp={ofMsp} />
          </Form>
        </section>
      )}
      {open.length > 0 && (
        <section className="card">
          <h2>Open invitations</h2>
          <ul className="rows">
            {open.map((invitation) => (
              <li key={invitation.id}>
                <strong>{invitation.email}</strong>
                <small>
                  {nameOf(invitation.tenantId)}, {roles[invitation.role] ?? invitation.role}, until{' '}
                  {time(invitation.expiresAt)}
                </small>
                {manages && (
                  <Form label="Take back" plain onSubmit={async () => api.revokeInvitation(invitation.id).then(load)} />
                )}
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function Change({ member, onChange }: { member: Member; onChange: () => void }) {
  return (
    <>
      <Form label="Change" plain onSubmit={async ({ role = '' }) => api.changeRole(member.id, role).then(onChange)}>
        <label>
          <span className="visually-hidden">Role of {member.name}</span>
          <select key={member.role} name="role" defaultValue={member.role}>
            {(member.tenantId === null ? OF_MSP : OF_TENANT).map((role) => (
              <option key={role} value={role}>
                {roles[role]}
              </option>
            ))}
          </select>
        </label>
      </Form>
      <Form
        label="Remove"
        plain
        onSubmit={async () => {
          const sure = window.confirm(`Remove ${member.name}? Their sessions and API keys end at once.`);
          if (sure) await api.removeMember(member.id).then(onChange);
        }}
      />
    </>
  );
}

function InviteWhere({ tenants, ofMsp }: { tenants: readonly TenantView[]; ofMsp: boolean }) {
  const [tenant, setTenant] = useState('');
  const own = !ofMsp || tenant !== '' ? OF_TENANT : OF_MSP;
  return (
    <>
      {ofMsp && (
        <label>
          Where
          <select name="tenant" value={tenant} onChange={(event) => setTenant(event.target.value)}>
            <option value="">Consultancy</option>
            {tenants.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      <label>
        As
        <select name="role">
          {own.map((role) => (
            <option key={role} value={role}>
              {roles[role]}
            </option>
          ))}
        </select>
      </label>
    </>
  );
}
