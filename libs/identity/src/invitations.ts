import {
  audit,
  forTenants,
  newId,
  sha256Hex,
  shared,
  type Clock,
  type Database,
  type Tx,
  type Origin,
} from '@vouch/platform';
import { LinkRefused } from './account.js';
import { actorOf, scopeOf, type CallerContext } from './context.js';
import { checkPassword } from './domain/password-rules.js';
import { rolesOfOrganisation, type Role } from './domain/permissions.js';
import type { Mailbox } from './mails.js';
import { actForMembers, MemberConflict } from './members.js';
import { actFor } from './owner.js';
import { hashPassword } from './passwords.js';
import { newSecretToken } from './secret-token.js';

const DAYS = 7;

export interface NewInvitation {
  readonly email: string;
  readonly role: Role;
  /** The tenant that they are to belong to; absent for the caller's own MSP. */
  readonly tenantId?: string | undefined;
}

interface Found {
  readonly id: string;
  readonly owner_id: string;
  readonly msp_id: string;
  readonly tenant_id: string | null;
  readonly email: string;
  readonly role: Role;
  readonly organisation: string;
}

/** People join by invitation: a link, sent by mail, that works once. */
export class Invitations {
  constructor(
    private readonly database: Database,
    private readonly mailbox: Mailbox,
    private readonly clock: Clock,
  ) {}

  /**
   * Invites somebody by mail. An address that already has an account gets no other.
   * @returns the invitation's id; null when the caller acts for no such tenant
   * @throws MemberConflict
   */
  async invite(caller: CallerContext, { email, role, tenantId }: NewInvitation): Promise<string | null> {
    const ofTenant = caller.role.startsWith('tenant-') ? caller.tenantIds[0] : tenantId;
    if (ofTenant !== undefined && (!caller.tenantIds.includes(ofTenant) || (tenantId ?? ofTenant) !== ofTenant))
      return null;
    if (!rolesOfOrganisation(ofTenant === undefined ? 'msp' : 'tenant').includes(role))
      throw new MemberConflict(`${role} is no role in this organisation.`);
    if (caller.mspId === null) return null;
    const owner = ofTenant ?? caller.mspId;
    return this.database.transaction(scopeOf(caller), async (tx) => {
      await actForMembers(tx, caller);
      if (ofTenant === undefined) await actFor(tx, owner);
      const [tenant] = await tx.query<{ name: string }>('select name from identity_tenant where tenant_id = $1', [
        ofTenant ?? null,
      ]);
      const organisation = tenant?.name ?? caller.msp;
      const to = { mspId: caller.mspId ?? '', tenantId: ofTenant ?? null, organisation };
      return this.send(tx, caller, to, email, role);
    });
  }

  /** Invites the first owner of an MSP that is made in the same transaction. */
  async inviteFirstOwner(
    tx: Tx,
    caller: CallerContext,
    { mspId, msp, email }: { mspId: string; msp: string; email: string },
  ): Promise<void> {
    await this.send(tx, caller, { mspId, tenantId: null, organisation: msp }, email, 'msp-owner');
  }

  private async send(
    tx: Tx,
    caller: CallerContext,
    { mspId, tenantId, organisation }: { mspId: string; tenantId: string | null; organisation: string },
    email: string,
    role: Role,
  ): Promise<string> {
    const { secret, sha256 } = newSecretToken('vi');
    const id = newId();
    const at = this.clock();
    const expiresAt = new Date(at.getTime() + DAYS * 86_400_000);
    await tx.query(
      `insert into identity_invitation (id, owner_id, msp_id, tenant_id, email, role, token_sha256, invited_by, created_at, expires_at)
       values ($1, $2, $3, $4, lower($5), $6, $7, $8, $9, $10)`,
      [id, tenantId ?? mspId, mspId, tenantId, email, role, sha256, actorOf(caller), at, expiresAt],
    );
    await this.mailbox.add(tx, email, { kind: 'invitation', organisation, by: caller.name, secret, days: DAYS });
    audit(tx, {
      tenantId,
      mspId,
      at,
      actor: actorOf(caller),
      action: 'member.invite',
      subject: `invitation:${id}`,
      why: '',
      from: caller.from,
      after: { email, role },
    });
    return id;
  }

  /** @returns false when there is no invitation of that id that still waits */
  async revoke(caller: CallerContext, id: string): Promise<boolean> {
    return this.database.transaction(scopeOf(caller), async (tx) => {
      await actForMembers(tx, caller);
      const at = this.clock();
      const [revoked] = await tx.query<{ tenant_id: string | null }>(
        `update identity_invitation set revoked_at = $2
          where id = $1 and accepted_at is null and revoked_at is null returning tenant_id`,
        [id, at],
      );
      if (!revoked) return false;
      audit(tx, {
        tenantId: revoked.tenant_id,
        mspId: caller.mspId,
        at,
        actor: actorOf(caller),
        action: 'member.revoke-invitation',
        subject: `invitation:${id}`,
        why: '',
        from: caller.from,
      });
      return true;
    });
  }

  /** What an invitation is to, for the page that asks for a password. @throws LinkRefused */
  async look(secret: string): Promise<{ email: string; organisation: string; role: Role }> {
    const { email, organisation, role } = await this.find(secret);
    return { email, organisation, role };
  }

  /**
   * Joins with a password of one's own.
   * @returns the new member's id
   * @throws LinkRefused @throws PasswordRefused
   */
  async accept(secret: string, who: { name: string; password: string }, origin: Origin): Promise<string> {
    const invitation = await this.find(secret);
    checkPassword(who.password, [who.name, invitation.email, invitation.organisation]);
    const hash = await hashPassword(who.password);
    const { tenant_id: tenantId, msp_id: mspId, email, role } = invitation;
    const scope = tenantId === null ? shared : forTenants(tenantId);
    return this.database.transaction(scope, async (tx) => {
      await actFor(tx, invitation.owner_id);
      const id = newId();
      const at = this.clock();
      const taken = await tx.query(
        `update identity_invitation set accepted_at = $2
          where id = $1 and accepted_at is null and revoked_at is null returning 1`,
        [invitation.id, at],
      );
      if (taken.length === 0) throw new LinkRefused();
      const made = await tx.query(
        `insert into identity_member (id, msp_id, tenant_id, email, name, role, password_hash, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning id`,
        [id, mspId, tenantId, email, who.name, role, hash, at],
      );
      // The address has an account: to whoever holds the link, which came to that address, this may be said.
      if (made.length === 0) throw new MemberConflict(`${email} already has an account. Sign in with it.`);
      audit(tx, {
        tenantId,
        mspId,
        at,
        actor: `member:${id}`,
        action: 'member.join',
        subject: `member:${id}`,
        why: `By invitation ${invitation.id}`,
        from: origin,
        after: { email, role },
      });
      return id;
    });
  }

  private async find(secret: string): Promise<Found> {
    const [found] = await this.database.read<Found>(shared, 'select * from identity_find_invitation($1, $2)', [
      sha256Hex(secret),
      this.clock(),
    ]);
    if (!found) throw new LinkRefused();
    return found;
  }
}
