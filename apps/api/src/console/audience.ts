import type { Database, Scope } from '@vouch/platform';
import { z } from 'zod';

/** What a notification of the outbox says: which kind of thing changed, and whom it concerns. */
export const News = z.object({
  topic: z.string(),
  tenantId: z.uuid().optional(),
  revisionId: z.uuid().optional(),
  channelId: z.uuid().optional(),
});
export type News = z.infer<typeof News>;

/** News of these contexts are the same for all members; they hold no tenant's data. */
const SHARED = /^(catalog|lab|planning)\./;

/**
 * May somebody with this scope hear of it? A tenant's news are for who acts for it, a patch's for whom a machine needs or
 * needed it, a channel's for whom a policy of it decides. What is about nobody in particular is told only of shared things.
 */
export async function concerns(database: Database, scope: Scope, news: News): Promise<boolean> {
  const { topic, tenantId, revisionId, channelId } = news;
  if (scope.kind !== 'tenants') return false;
  if (tenantId !== undefined) return scope.tenantIds.includes(tenantId);
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
