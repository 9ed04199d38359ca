import type {
  ApiKey,
  AuditPage,
  CreatedApiKey,
  CreatedWebhookEndpoint,
  SingleSignOnSettings,
  SingleSignOnView,
  WebhookDelivery,
  WebhookDeliveryDetail,
  WebhookEndpoint,
  WebhookTopic,
} from '@vouch/contracts';
import { call, json, Problem, read } from './api.js';

const ENDPOINTS = '/api/v1/webhook-endpoints';
const deliveries = (endpointId: string): string => `${ENDPOINTS}/${endpointId}/deliveries`;

/** What other programs need to work with the account: keys, events, an identity provider; and the trail of it all. */
export const programs = {
  keys: async () => (await read<{ items: ApiKey[] }>('/api/v1/api-keys?limit=200')).items,
  createKey: (name: string, actions: readonly string[], expiresInDays: number, tenantIds: readonly string[]) =>
    json<CreatedApiKey>('POST', '/api/v1/api-keys', {
      name,
      actions,
      expiresInDays,
      ...(tenantIds.length === 0 ? {} : { tenantIds }),
    }),
  revokeKey: (id: string) => call('DELETE', `/api/v1/api-keys/${id}`),

  endpoints: async () => (await read<{ items: WebhookEndpoint[] }>(`${ENDPOINTS}?limit=200`)).items,
  createEndpoint: (url: string, eventTypes: readonly WebhookTopic[], description: string) =>
    json<CreatedWebhookEndpoint>('POST', ENDPOINTS, { url, eventTypes, description }),
  switchEndpoint: ({ id, version }: WebhookEndpoint, state: WebhookEndpoint['state']) =>
    call('PATCH', `${ENDPOINTS}/${id}`, { state }, version),
  removeEndpoint: (id: string) => call('DELETE', `${ENDPOINTS}/${id}`),
  newSecret: (id: string) => json<CreatedWebhookEndpoint>('POST', `${ENDPOINTS}/${id}/secret`),
  deliveries: async (id: string) => (await read<{ items: WebhookDelivery[] }>(`${deliveries(id)}?limit=20`)).items,
  delivery: (endpointId: string, id: string) => read<WebhookDeliveryDetail>(`${deliveries(endpointId)}/${id}`),
  replay: (endpointId: string, id: string) => call('POST', `${deliveries(endpointId)}/${id}/replay`),

  /** Null while none is configured. */
  singleSignOn: () => read<SingleSignOnView>('/api/v1/single-sign-on').catch(nullWhenMissing),
  /** @param version of what is changed; undefined for the first settings */
  configureSingleSignOn: (settings: SingleSignOnSettings, version: number | undefined) =>
    call('PUT', '/api/v1/single-sign-on', settings, version),
  removeSingleSignOn: () => call('DELETE', '/api/v1/single-sign-on'),

  audit: (action: string, cursor: string | null) =>
    read<AuditPage>(
      `/api/v1/audit?${new URLSearchParams({ order: 'newest', limit: '50', ...filter(action, cursor) })}`,
    ),
};

const filter = (action: string, cursor: string | null): Record<string, string> => ({
  ...(action === '' ? {} : { action }),
  ...(cursor === null ? {} : { cursor }),
});

function nullWhenMissing(reason: unknown): null {
  if (reason instanceof Problem && reason.status === 404) return null;
  throw reason;
}
