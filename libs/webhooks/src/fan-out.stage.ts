import { webhookTopics } from '@vouch/contracts';
import { newId, shared, type Database, type Stage } from '@vouch/platform';
import { TRIES } from './domain/patience.js';

const KEY = 'all';
const BATCH = 500;

interface EventRow {
  id: number;
  topic: string;
  payload: Record<string, unknown>;
  created_at: Date;
}

/**
 * Turns committed events into messages for the endpoints that want them and may see them: an event of a tenant goes to
 * that tenant and its MSP; an event of a patch goes to whom a machine needs or needed it. One message for each event and
 * endpoint, written in the transaction that marks the event as looked at.
 */
export class FanOutStage implements Stage {
  readonly name = 'webhook-fan-out';
  readonly concurrency = 1;
  readonly wakes = Object.fromEntries(webhookTopics.map((topic) => [topic, () => KEY]));

  constructor(private readonly database: Database) {}

  async pending(): Promise<string[]> {
    const waiting = await this.database.read(
      shared,
      'select 1 from platform_outbox where fanned_out_at is null limit 1',
    );
    return waiting.length > 0 ? [KEY] : [];
  }

  async process(): Promise<void> {
    while ((await this.fanOut()) === BATCH);
  }

  private fanOut(): Promise<number> {
    return this.database.transaction(shared, async (tx) => {
      const events = await tx.query<EventRow>(
        `select id, topic, payload, created_at from platform_outbox where fanned_out_at is null
          order by id limit $1 for update skip locked`,
        [BATCH],
      );
      for (const event of events.filter(({ topic }) => (webhookTopics as readonly string[]).includes(topic))) {
        const endpoints = await tx.query<{ id: string; owner_id: string }>(
          `select e.id, e.owner_id from webhook_endpoint e
            where e.disabled_at is null and $1 = any (e.event_types) and e.created_at <= $2
              and exists (
                select 1 from identity_tenant t
                 where e.owner_id in (t.tenant_id, t.msp_id)
                   and case when $3::uuid is not null then t.tenant_id = $3::uuid
                            else exists (select 1 from fleet_need n where n.tenant_id = t.tenant_id and n.revision_id = $4::uuid) end)`,
          [event.topic, event.created_at, event.payload['tenantId'] ?? null, event.payload['revisionId'] ?? null],
        );
        for (const endpoint of endpoints) {
          await tx.query(
            `insert into webhook_delivery (id, endpoint_id, owner_id, event_id, type, message, state, tries_left, created_at, next_at)
             values ($1, $2, $3, $4, $5, $6, 'waiting', $7, $8, $8) on conflict do nothing`,
            [newId(), endpoint.id, endpoint.owner_id, event.id, event.topic, messageOf(event), TRIES, event.created_at],
          );
        }
      }
      await tx.query('update platform_outbox set fanned_out_at = now() where id = any ($1::bigint[])', [
        events.map(({ id }) => id),
      ]);
      return events.length;
    });
  }
}

/** What is sent, to the byte, in every attempt. */
const messageOf = ({ topic, payload, created_at }: EventRow): string =>
  JSON.stringify({ type: topic, timestamp: created_at.toISOString(), data: payload });
