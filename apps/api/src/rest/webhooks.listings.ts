import type { WebhookDelivery, WebhookEndpoint, WebhookTopic } from '@vouch/contracts';
import { iso, isoOrNull, type Listing } from '../listing/lists.js';

interface EndpointRow {
  id: string;
  url: string;
  description: string;
  event_types: WebhookTopic[];
  disabled_at: Date | null;
  disabled_reason: string;
  failing_since: Date | null;
  old_secret_until: Date | null;
  created_at: Date;
  version: number;
}

export const endpointListing: Listing<EndpointRow, WebhookEndpoint> = {
  name: 'webhook-endpoints',
  select: `e.id, e.url, e.description, e.event_types, e.disabled_at, e.disabled_reason, e.failing_since,
    case when e.old_secret_until > now() then e.old_secret_until end as old_secret_until, e.created_at, e.version`,
  from: 'from webhook_endpoint e where true',
  sort: { sql: 'e.created_at', type: 'timestamptz' },
  id: { sql: 'e.id', type: 'uuid' },
  filters: {},
  view: (row) => ({
    id: row.id,
    url: row.url,
    description: row.description,
    eventTypes: row.event_types,
    state: row.disabled_at === null ? 'enabled' : 'disabled',
    reason: row.disabled_reason,
    failingSince: isoOrNull(row.failing_since),
    oldSecretUntil: isoOrNull(row.old_secret_until),
    createdAt: iso(row.created_at),
    version: row.version,
  }),
};

interface DeliveryRow {
  id: string;
  endpoint_id: string;
  event_id: number;
  type: WebhookTopic;
  state: WebhookDelivery['state'];
  attempts: number;
  status: number | null;
  duration_ms: number | null;
  answer: string | null;
  error: string | null;
  created_at: Date;
  next_at: Date | null;
  delivered_at: Date | null;
}

export const deliveryListing: Listing<DeliveryRow, WebhookDelivery> = {
  name: 'webhook-deliveries',
  select: `d.id, d.endpoint_id, d.event_id, d.type, d.state, d.attempts, l.status, l.duration_ms, l.answer, l.error,
    d.created_at, d.next_at, d.delivered_at`,
  from: `from webhook_delivery d left join lateral (
      select status, duration_ms, answer, error from webhook_attempt a where a.delivery_id = d.id order by attempt desc limit 1) l on true
    where true`,
  sort: { sql: 'd.created_at', type: 'timestamptz' },
  id: { sql: 'd.id', type: 'uuid' },
  filters: { endpointId: 'd.endpoint_id = ?', state: 'd.state = ?' },
  view: (row) => ({
    id: row.id,
    endpointId: row.endpoint_id,
    messageId: `msg_${row.event_id}`,
    type: row.type,
    state: row.state,
    attempts: row.attempts,
    status: row.status,
    durationMs: row.duration_ms,
    answer: row.answer ?? '',
    error: row.error ?? '',
    createdAt: iso(row.created_at),
    nextAttemptAt: isoOrNull(row.next_at),
    deliveredAt: isoOrNull(row.delivered_at),
  }),
};
