import { audit, forTenants, newId, shared, type Clock, type Database, type Tx } from '@vouch/platform';
import { actorOf, type CallerContext } from './context.js';
import type { Invitations } from './invitations.js';
import { actFor } from './owner.js';

/** There is one of that name already. */
export class NameTaken extends Error {
  readonly code = 'name-taken';
  constructor(what: string, name: string) {
    super(`There is already ${what} called "${name}".`);
  }
}

/** The tree of organisations: the operator makes MSPs, an MSP makes its tenants. */
export class Organisation {
  constructor(
    private readonly database: Database,
    private readonly invitations: Invitations,
    private readonly clock: Clock,
  ) {}

  /** Makes an MSP and invites its first owner. @returns the MSP's id @throws NameTaken */
  async makeMsp(caller: CallerContext, { name, ownerEmail }: { name: string; ownerEmail: string }): Promise<string> {
    const id = newId();
    await this.database.transaction(shared, async (tx) => {
      await actFor(tx, id);
      const made = await tx.query(
        'insert into identity_msp (id, name) values ($1, $2) on conflict do nothing returning id',
        [id, name],
      );
      if (made.length === 0) throw new NameTaken('an MSP', name);
      this.note(tx, caller, { mspId: id }, 'msp.make', `msp:${id}`, { name });
      await this.invitations.inviteFirstOwner(tx, caller, { mspId: id, msp: name, email: ownerEmail });
    });
    return id;
  }

  /** Makes a tenant of the caller's MSP. @returns its id @throws NameTaken */
  async makeTenant(caller: CallerContext, name: string): Promise<string> {
    const { mspId } = caller;
    if (mspId === null) throw new TypeError('Only an MSP has tenants.');
    const id = newId();
    await this.database.transaction(forTenants(id), async (tx) => {
      await actFor(tx, mspId);
      const made = await tx.query(
        `insert into identity_tenant (tenant_id, msp_id, name, created_at) values ($1, $2, $3, $4)
           on conflict do nothing returning tenant_id`,
        [id, mspId, name, this.clock()],
      );
      if (made.length === 0) throw new NameTaken('a tenant', name);
      this.note(tx, caller, { tenantId: id }, 'tenant.make', `tenant:${id}`, { name });
    });
    return id;
  }

  private note(
    tx: Tx,
    caller: CallerContext,
    whose: { readonly mspId: string } | { readonly tenantId: string },
    action: string,
    subject: string,
    after: object,
  ): void {
    const at = this.clock();
    audit(tx, {
      ...('mspId' in whose ? { tenantId: null, mspId: whose.mspId } : whose),
      at,
      actor: actorOf(caller),
      action,
      subject,
      why: '',
      from: caller.from,
      after: { ...after },
    });
  }
}
