import { z } from 'zod';
import { Timestamp } from '../digest.js';
import type { Topic } from '../events.js';
import { exampleIds as id, pageOf, pageParameters, PlainText } from './page.js';

/** Events that can be sent to others: those that concern one tenant, or a patch that a tenant needs. */
export const webhookTopics = [
  'fleet.device-enrolled',
  'fleet.device-revoked',
  'lab.verdict-issued',
  'approval.decided',
  'rollout.ring-changed',
  'rollout.outcome-reported',
  'billing.cost-metered',
  'billing.statement-closed',
  'billing.statement-changed',
] as const satisfies readonly Topic[];
export type WebhookTopic = (typeof webhookTopics)[number];

const eventTypes = z.array(z.enum(webhookTopics)).min(1).max(webhookTopics.length);
const url = z.url({ protocol: /^https?$/, error: 'must be an https:// URL' }).max(2000);
const description = PlainText.max(200);

const endpoint = {
  id: id.endpoint,
  url: 'https://hooks.consulting.example/vouch',
  description: 'ticket system',
  eventTypes: ['lab.verdict-issued', 'rollout.outcome-reported'] as WebhookTopic[],
  state: 'enabled' as const,
  reason: '',
  failingSince: null,
  oldSecretUntil: null,
  createdAt: '2026-01-05T08:00:00.000Z',
  version: 1,
};
export const WebhookEndpoint = z
  .object({
    id: z.uuid(),
    url: z.string(),
    description: z.string(),
    eventTypes,
    state: z.enum(['enabled', 'disabled']),
    reason: z.string().meta({ description: 'Why it is disabled; empty while it is enabled.' }),
    failingSince: Timestamp.nullable(),
    oldSecretUntil: Timestamp.nullable().meta({ description: 'Until then messages carry signatures of both secrets.' }),
    createdAt: Timestamp,
    version: z.int().positive().meta({ description: 'Grows with each change; also the ETag.' }),
  })
  .meta({ id: 'WebhookEndpoint', description: 'Where events are sent.', examples: [endpoint] });
export type WebhookEndpoint = z.infer<typeof WebhookEndpoint>;
export const WebhookEndpointPage = pageOf(WebhookEndpoint, 'WebhookEndpointPage');
export const WebhookEndpointQuery = z.strictObject({ ...pageParameters });

export const NewWebhookEndpoint = z.strictObject({ url, eventTypes, description: description.optional() }).meta({
  id: 'NewWebhookEndpoint',
  examples: [{ url: endpoint.url, eventTypes: endpoint.eventTypes, description: endpoint.description }],
});
export type NewWebhookEndpoint = z.infer<typeof NewWebhookEndpoint>;
export const WebhookEndpointChange = z
  .strictObject({
    url: url.optional(),
    eventTypes: eventTypes.optional(),
    description: description.optional(),
    state: z.enum(['enabled', 'disabled']).optional(),
  })
  .meta({ id: 'WebhookEndpointChange', examples: [{ state: 'enabled' }] });
export type WebhookEndpointChange = z.infer<typeof WebhookEndpointChange>;

const secret = z
  .string()
  .meta({ description: 'Shown only here: `whsec_` and base64, as Standard Webhooks libraries take it.' });
export const CreatedWebhookEndpoint = WebhookEndpoint.extend({ secret }).meta({
  id: 'CreatedWebhookEndpoint',
  examples: [{ ...endpoint, secret: 'whsec_…' }],
});
export type CreatedWebhookEndpoint = z.infer<typeof CreatedWebhookEndpoint>;

const delivery = {
  id: id.delivery,
  endpointId: id.endpoint,
  messageId: 'msg_1842',
  type: 'lab.verdict-issued' as WebhookTopic,
  state: 'delivered' as const,
  attempts: 1,
  status: 200,
  durationMs: 84,
  answer: 'ok',
  error: '',
  createdAt: '2026-01-06T06:01:14.000Z',
  nextAttemptAt: null,
  deliveredAt: '2026-01-06T06:01:15.000Z',
};
export const WebhookDelivery = z
  .object({
    id: z.uuid(),
    endpointId: z.uuid(),
    messageId: z.string().meta({ description: 'The `webhook-id` of the message: the same in every attempt.' }),
    type: z.enum(webhookTopics),
    state: z.enum(['waiting', 'delivered', 'failed']),
    attempts: z.int().nonnegative(),
    status: z.int().nullable().meta({ description: 'HTTP status of the last answer.' }),
    durationMs: z.int().nullable(),
    answer: z.string().meta({ description: 'First bytes of the last answer.' }),
    error: z.string().meta({ description: 'Why there was no answer.' }),
    createdAt: Timestamp,
    nextAttemptAt: Timestamp.nullable(),
    deliveredAt: Timestamp.nullable(),
  })
  .meta({ id: 'WebhookDelivery', examples: [delivery] });
export type WebhookDelivery = z.infer<typeof WebhookDelivery>;
export const WebhookDeliveryPage = pageOf(WebhookDelivery, 'WebhookDeliveryPage');
export const WebhookDeliveryQuery = z.strictObject({
  ...pageParameters,
  state: WebhookDelivery.shape.state.optional(),
});

export const WebhookDeliveryDetail = WebhookDelivery.extend({
  log: z.array(
    z.object({
      attempt: z.int().positive(),
      at: Timestamp,
      status: z.int().nullable(),
      durationMs: z.int(),
      answer: z.string(),
      error: z.string(),
    }),
  ),
}).meta({
  id: 'WebhookDeliveryDetail',
  examples: [
    {
      ...delivery,
      log: [{ attempt: 1, at: delivery.deliveredAt, status: 200, durationMs: 84, answer: 'ok', error: '' }],
    },
  ],
});
export type WebhookDeliveryDetail = z.infer<typeof WebhookDeliveryDetail>;

export const ReplaySince = z
  .strictObject({ since: Timestamp })
  .meta({ id: 'ReplaySince', examples: [{ since: '2026-01-06T00:00:00Z' }] });
export const Replayed = z
  .object({ deliveries: z.int().nonnegative() })
  .meta({ id: 'Replayed', examples: [{ deliveries: 12 }] });

/** The body of every message: ids only; the receiver asks the API for what they name. */
export const WebhookMessage = z
  .object({ type: z.enum(webhookTopics), timestamp: Timestamp, data: z.record(z.string(), z.unknown()) })
  .meta({
    id: 'WebhookMessage',
    examples: [
      {
        type: 'lab.verdict-issued',
        timestamp: '2026-01-06T06:01:14.000Z',
        data: { verdictId: id.verdict, revisionId: id.revision, runId: id.run },
      },
    ],
  });
