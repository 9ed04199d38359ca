import { z } from 'zod';

const id = z.uuid();

/** Every event of the outbox: topic (context.what-happened) and payload. Payloads carry ids, never data of a tenant. */
export const events = {
  'catalog.source-changed': z.object({ sourceId: z.string() }),
  'catalog.snapshot-stored': z.object({ sourceId: z.string(), snapshotId: id }),
  'catalog.urgency-changed': z.object({ revisionId: id }),
  'fleet.device-enrolled': z.object({ tenantId: id, deviceId: id }),
  'fleet.device-revoked': z.object({ tenantId: id, deviceId: id }),
  'fleet.fingerprint-changed': z.object({ tenantId: id, deviceId: id }),
  'planning.demand-changed': z.object({ revisionId: id }),
  'lab.runner-changed': z.object({ runnerId: id }),
  'lab.golden-changed': z.object({ profileDigest: z.string() }),
  'lab.run-queued': z.object({ runId: id }),
  'lab.run-progressed': z.object({ runId: id }),
  'lab.run-reported': z.object({ runId: id }),
  'lab.verdict-issued': z.object({ verdictId: id, revisionId: id, runId: id }),
  'approval.ordered': z.object({ revisionId: id }),
  'approval.decided': z.object({ revisionId: id }),
  'approval.channel-changed': z.object({ channelId: id }),
  'approval.channel-published': z.object({ channelId: id }),
  'rollout.outcome-reported': z.object({ tenantId: id, deviceId: id, revisionId: id }),
  'rollout.ring-changed': z.object({ revisionId: id }),
  'billing.cost-metered': z.object({ costEntryId: id, revisionId: id }),
  'billing.close-requested': z.object({ mspId: id, period: z.string() }),
  'billing.payment-reported': z.object({ eventId: z.string() }),
  'billing.statement-closed': z.object({ tenantId: id, statementId: id }),
  'billing.statement-changed': z.object({ tenantId: id, statementId: id }),
  'identity.mail-added': z.object({ mailId: id }),
} as const;

export type Topic = keyof typeof events;
export type Payload<T extends Topic> = z.infer<(typeof events)[T]>;

/** News of a context, named in the past tense. */
export type DomainEvent<T extends Topic = Topic> = {
  [P in T]: {
    readonly topic: P;
    readonly payload: Payload<P>;
    /** Follows one piece of work through all processes and logs. */
    readonly correlationId: string;
  };
}[T];
