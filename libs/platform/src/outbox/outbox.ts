import { events, type DomainEvent } from '@vouch/contracts';
import type { Tx } from '../database/database.js';

/** Adds events to the outbox of the open transaction: they are seen if and only if it commits. */
export async function publish(tx: Tx, ...news: readonly DomainEvent[]): Promise<void> {
  if (news.length === 0) return;
  for (const event of news) events[event.topic].parse(event.payload);
  await tx.query(
    `insert into platform_outbox (topic, payload, correlation_id)
     select * from unnest($1::text[], $2::jsonb[], $3::text[])`,
    [news.map((e) => e.topic), news.map((e) => JSON.stringify(e.payload)), news.map((e) => e.correlationId)],
  );
}
