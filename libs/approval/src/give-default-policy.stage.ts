import type { PolicyRules } from '@vouch/contracts';
import { idOf, shared, type Clock, type Database, type Stage } from '@vouch/platform';
import { adoptPolicy, registerPolicy } from './policy.js';

/**
 * What an MSP begins with, until its owner says otherwise: only what was tested on lab machines much like the customers',
 * low-impact machines first, and a day of use there before the rest.
 */
export const DEFAULT_POLICY: { readonly name: string; readonly rules: PolicyRules } = {
  name: 'Tested, low-impact machines first',
  rules: { minimumCoverage: 0.6, acceptReducedFidelity: false, delayMinutes: 0, rings: 2, soakSeconds: 86_400 },
};

/**
 * Gives an MSP that has no policy the default one, and each tenant that has none the first of its MSP: without a policy
 * nothing is ever approved for a tenant. Keys: an MSP's id.
 */
export class GiveDefaultPolicyStage implements Stage {
  readonly name = 'default-policy';
  readonly wakes = {};
  readonly concurrency = 1;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async pending(): Promise<string[]> {
    const rows = await this.database.read<{ id: string }>(
      shared,
      `select m.id from identity_msp m where not exists (select 1 from approval_policy p where p.msp_id = m.id)
       union
       select t.msp_id from identity_tenant t
        where not exists (select 1 from approval_tenant_policy a where a.tenant_id = t.tenant_id)`,
    );
    return rows.map(({ id }) => id);
  }

  async process(mspId: string): Promise<void> {
    await this.database.transaction(shared, async (tx) => {
      const now = this.clock();
      const firstPolicy = (): Promise<{ id: string }[]> =>
        tx.query(
          `select p.id from approval_policy p join approval_policy_version v on v.policy_id = p.id and v.version = 1
            where p.msp_id = $1 order by v.changed_at, p.id limit 1`,
          [mspId],
        );
      if ((await firstPolicy()).length === 0)
        // The id follows from the MSP's: two workers at once make one policy.
        await registerPolicy(tx, { id: idOf('default-policy', mspId), mspId, ...DEFAULT_POLICY }, now);
      const [policy] = await firstPolicy();
      const tenants = await tx.query<{ tenant_id: string }>(
        `select t.tenant_id from identity_tenant t where t.msp_id = $1
            and not exists (select 1 from approval_tenant_policy a where a.tenant_id = t.tenant_id)`,
        [mspId],
      );
      for (const { tenant_id } of tenants) if (policy) await adoptPolicy(tx, tenant_id, policy.id, now);
    });
  }
}
