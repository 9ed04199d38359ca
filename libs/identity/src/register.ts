import { audit, type SealedBox, type Tx } from '@vouch/platform';
import type { Role } from './domain/permissions.js';
import { newSecretToken } from './secret-token.js';
import { placeOf } from './second-factor.js';
import { hashPassword } from './passwords.js';

/**
 * Registration of MSPs, tenants and members, with ids that the caller derives, so that doing it twice
 * makes one. Needs the platform role.
 */
export async function registerMsp(tx: Tx, msp: { id: string; name: string }): Promise<void> {
  await tx.query('insert into identity_msp (id, name) values ($1, $2) on conflict (id) do nothing', [msp.id, msp.name]);
}

export async function registerTenant(tx: Tx, tenant: { id: string; mspId: string; name: string }): Promise<void> {
  await tx.query(
    'insert into identity_tenant (tenant_id, msp_id, name) values ($1, $2, $3) on conflict (tenant_id) do nothing',
    [tenant.id, tenant.mspId, tenant.name],
  );
}

export interface NewMember {
  readonly id: string;
  readonly mspId: string;
  readonly tenantId: string | null;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly password: string;
}

export async function registerMember(tx: Tx, member: NewMember): Promise<void> {
  await tx.query(
    `insert into identity_member (id, msp_id, tenant_id, email, name, role, password_hash)
     values ($1, $2, $3, lower($4), $5, $6, $7) on conflict (id) do nothing`,
    [
      member.id,
      member.mspId,
      member.tenantId,
      member.email,
      member.name,
      member.role,
      await hashPassword(member.password),
    ],
  );
}

/**
 * Makes an operator without a password, and a link to choose one that works for a day.
 * @returns the secret of the link
 */
export async function registerOperator(
  tx: Tx,
  operator: { id: string; email: string; name: string },
  now: Date,
): Promise<string> {
  const { secret, sha256 } = newSecretToken('vp');
  await tx.query(`insert into identity_member (id, email, name, role) values ($1, lower($2), $3, 'operator')`, [
    operator.id,
    operator.email,
    operator.name,
  ]);
  await tx.query(
    'insert into identity_password_reset (token_sha256, member_id, created_at, expires_at) values ($1, $2, $3, $4)',
    [sha256, operator.id, now, new Date(now.getTime() + 86_400_000)],
  );
  const { id } = operator;
  audit(tx, {
    tenantId: null,
    at: now,
    actor: 'platform',
    action: 'operator.make',
    subject: `member:${id}`,
    why: 'At the command line',
  });
  return secret;
}

/** Gives a member codes of an authenticator app that has the secret already (base32). */
export async function registerCodes(
  tx: Tx,
  box: SealedBox,
  memberId: string,
  secret: string,
  now: Date,
): Promise<void> {
  await tx.query(
    `insert into identity_totp (member_id, secret_sealed, created_at, confirmed_at) values ($1, $2, $3, $3) on conflict do nothing`,
    [memberId, box.seal(secret, placeOf(memberId)), now],
  );
}
