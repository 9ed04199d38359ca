import { reachOf, scopeOf, type CallerContext } from '@vouch/identity';
import { forTenants, type Database, type Scope } from '@vouch/platform';
import { z } from 'zod';

/** What a notification of the outbox says: which kind of thing changed, and whom it concerns. */
export const News = z.object({
  topic: z.string(),
  tenantId: z.uuid().optional(),
  revisionId: z.uuid().optional(),
  channelId: z.uuid().optional(),
});
export type News = z.infer<typeof News>;

/** Who listens: for which tenants, and of which MSP when it is for all of its tenants, also those that it gets later. */
export interface Audience {
  readonly scope: Scope;
  readonly mspId: string | null;
}

export const audienceOf = (caller: CallerContext): Audience => ({
  scope: scopeOf(caller),
  // A key may be for some of an MSP's tenants only.
  mspId: caller.kind === 'member' && reachOf(caller.role, 'overview:read') === 'msp' ? caller.mspId : null,
});

/** News of these contexts are the same for all members; they hold no tenant's data. */
const SHARED = /^(catalog|lab|planning)\./;

/**
 * May this audience hear of it? A tenant's news are for who acts for it, a patch's for whom a machine needs or
 * needed it, a channel's for whom a policy of it decides. What is about nobody in particular is told only of shared things.
 */
export async function concerns(database: Database, { scope, mspId }: Audience, news: News): Promise<boolean> {
  const { topic, tenantId, revisionId, channelId } = news;
  if (scope.kind !== 'tenants') return false;
  if (tenantId !== undefined) return scope.tenantIds.includes(tenantId) || (await isOf(database, mspId, tenantId));
  if (revisionId !== undefined) {
    const needs = 'select 1 from fleet_need where revision_id = $1 limit 1';
    return (await database.read(scope, needs, [revisionId])).length > 0;
  }
  if (channelId !== undefined) {
    const reads = `select 1 from approval_channel c join approval_tenant_policy t on t.policy_id = c.policy_id where c.id = $1 limit 1`;
    return (await database.read(scope, reads, [channelId])).length > 0;
  }
  return SHARED.test(topic);
}

async function isOf(database: Database, mspId: string | null, tenantId: string): Promise<boolean> {
  if (mspId === null) return false;
  const own = 'select 1 from identity_tenant where tenant_id = $1 and msp_id = $2';
  return (await database.read(forTenants(tenantId), own, [tenantId, mspId])).length > 0;
}
