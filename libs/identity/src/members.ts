import { audit, type Clock, type Database, type Tx } from '@vouch/platform';
import { actAs } from './act-as.js';
import { actorOf, scopeOf, type CallerContext } from './context.js';
import { rolesOfOrganisation, type Role } from './domain/permissions.js';
import { actFor } from './owner.js';

/** The change would leave an organisation without an owner, or give a role that does not belong to it. */
export class MemberConflict extends Error {
  readonly code = 'member-conflict';
}

interface MemberRow {
  readonly id: string;
  readonly msp_id: string;
  readonly tenant_id: string | null;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
}

/** Shows a transaction the members that the caller may manage: of the own MSP and its tenants, or of the own tenant. */
export async function actForMembers(tx: Tx, caller: CallerContext): Promise<void> {
  await actAs(tx, caller.id);
  if (caller.mspId !== null && !caller.role.startsWith('tenant-')) await actFor(tx, caller.mspId);
}

/** Who belongs to an MSP or a tenant, and as what. */
export class Members {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @returns false when the caller has no such member @throws MemberConflict */
  async changeRole(caller: CallerContext, id: string, role: Role): Promise<boolean> {
    return this.change(caller, id, async (tx, member) => {
      if (!rolesOfOrganisation(member.tenant_id === null ? 'msp' : 'tenant').includes(role))
        throw new MemberConflict(`${role} is no role in this organisation.`);
      await this.keepOwner(tx, member, role);
      await tx.query('update identity_member set role = $2 where id = $1', [id, role]);
      return { action: 'member.change-role', before: { role: member.role }, after: { role } };
    });
  }

  /** Removes a member: the sessions end, and so do the API keys that they made. @throws MemberConflict */
  async remove(caller: CallerContext, id: string): Promise<boolean> {
    return this.change(caller, id, async (tx, member) => {
      await this.keepOwner(tx, member, null);
      const now = this.clock();
      await tx.query('update identity_member set removed_at = $2 where id = $1', [id, now]);
      await actFor(tx, member.tenant_id ?? member.msp_id);
      await tx.query(
        'update identity_api_key set revoked_at = $2, revoked_by = $3 where maker = $1 and revoked_at is null',
        [id, now, actorOf(caller)],
      );
      return { action: 'member.remove', before: { role: member.role, email: member.email }, after: {} };
    });
  }

  private async change(
    caller: CallerContext,
    id: string,
    work: (tx: Tx, member: MemberRow) => Promise<{ action: string; before: object; after: object }>,
  ): Promise<boolean> {
    return this.database.transaction(scopeOf(caller), async (tx) => {
      await actForMembers(tx, caller);
      const found = await findMember(tx, id);
      if (!found) return false;
      // One change at a time in an organisation: two owners could otherwise remove each other. Looked at again, since
      // the one before may have changed this member.
      await tx.query('select pg_advisory_xact_lock(hashtext($1))', [`members:${found.tenant_id ?? found.msp_id}`]);
      const member = await findMember(tx, id);
      if (!member) return false;
      const { action, before, after } = await work(tx, member);
      const at = this.clock();
      await tx.query('select identity_end_sessions($1, $2)', [id, at]);
      audit(tx, {
        tenantId: member.tenant_id,
        mspId: member.msp_id,
        at,
        actor: actorOf(caller),
        action,
        subject: `member:${id}`,
        why: '',
        from: caller.from,
        before: { ...before },
        after: { ...after },
      });
      return true;
    });
  }

  private async keepOwner(tx: Tx, member: MemberRow, role: Role | null): Promise<void> {
    const owner: Role = member.tenant_id === null ? 'msp-owner' : 'tenant-owner';
    if (member.role !== owner || role === owner) return;
    const others = await tx.query(
      `select 1 from identity_member where id <> $1 and role = $2 and removed_at is null
          and msp_id = $3 and tenant_id is not distinct from $4`,
      [member.id, owner, member.msp_id, member.tenant_id],
    );
    if (others.length === 0)
      throw new MemberConflict(`${member.email} is the only owner. Make somebody else an owner first.`);
  }
}

async function findMember(tx: Tx, id: string): Promise<MemberRow | undefined> {
  const [member] = await tx.query<MemberRow>(
    'select id, msp_id, tenant_id, email, name, role from identity_member where id = $1 and removed_at is null',
    [id],
  );
  return member;
}
