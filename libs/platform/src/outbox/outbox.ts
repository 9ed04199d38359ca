import type { Tx } from '../database/database.js';

/** News of a context, named in the past tense: `context.what-happened`. Written in the transaction that made it true. */
export interface DomainEvent {
  readonly topic: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** Follows one piece of work through all processes and logs. */
  readonly correlationId: string;
}

/** Adds events to the outbox of the open transaction: they are seen if and only if it commits. */
export async function publish(tx: Tx, ...events: readonly DomainEvent[]): Promise<void> {
  if (events.length === 0) return;
  await tx.query(
    `insert into platform_outbox (topic, payload, correlation_id)
     select * from unnest($1::text[], $2::jsonb[], $3::text[])`,
    [events.map((e) => e.topic), events.map((e) => JSON.stringify(e.payload)), events.map((e) => e.correlationId)],
  );
}
