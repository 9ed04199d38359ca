import type { PolicyChange, PolicyRules } from '@vouch/contracts';
import { actFor, actorOf, ownerOf, scopeOf, type CallerContext } from '@vouch/identity';
import { audit, type Clock, type Database } from '@vouch/platform';

/** The policy was changed by somebody else since it was read. */
export class PolicyChanged extends Error {
  readonly code = 'changed-meanwhile';
  constructor() {
    super('The policy was changed since you read it. Read it again and repeat the change if it still fits.');
  }
}

/** Changes the rules of an MSP's policies. What was decided by the old ones is decided again. */
export class ChangePolicy {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * @param version the one that the caller has read
   * @returns false when the caller's MSP has no such policy
   * @throws PolicyChanged
   */
  async change(caller: CallerContext, id: string, version: number, { rules, why }: PolicyChange): Promise<boolean> {
    const owner = ownerOf(caller, 'policy:change');
    return this.database.transaction(scopeOf(caller), async (tx) => {
      await actFor(tx, owner);
      const [before] = await tx.query<{ version: number; rules: PolicyRules }>(
        'select version, rules from approval_policy where id = $1 and msp_id = $2',
        [id, owner],
      );
      if (before === undefined) return false;
      const now = this.clock();
      const [changed] = await tx.query<{ version: number | null }>(
        'select approval_change_policy($1, $2, $3, $4, $5, $6) as version',
        [id, version, JSON.stringify(rules), now, actorOf(caller), why],
      );
      if (typeof changed?.version !== 'number') throw new PolicyChanged();
      audit(tx, {
        tenantId: null,
        mspId: owner,
        at: now,
        actor: actorOf(caller),
        action: 'policy.change',
        subject: `policy:${id}`,
        why,
        from: caller.from,
        before: { version: before.version, rules: before.rules },
        after: { version: changed.version, rules },
        detail: { owner },
      });
      return true;
    });
  }
}
