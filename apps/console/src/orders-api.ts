import type { Hold, Policy, PolicyRules, Waiver } from '@vouch/contracts';
import { call, read } from './api.js';

const first = async <T>(path: string): Promise<T | null> => (await read<{ items: T[] }>(path)).items[0] ?? null;

/** What members of a consultancy order about approvals. */
export const orders = {
  policies: async () => (await read<{ items: Policy[] }>('/api/v1/policies?limit=200')).items,
  changePolicy: ({ id, version }: Policy, rules: PolicyRules, why: string) =>
    call('PUT', `/api/v1/policies/${id}`, { rules, why }, version),

  /** Null when it is not held. */
  holdOf: (revisionId: string) => first<Hold>(`/api/v1/holds?revisionId=${revisionId}`),
  hold: (revisionId: string, why: string) => call('POST', '/api/v1/holds', { revisionId, why }),
  endHold: (id: string) => call('DELETE', `/api/v1/holds/${id}`),

  /** Null when it is not waived. */
  waiverOf: (verdictId: string) => first<Waiver>(`/api/v1/waivers?verdictId=${verdictId}`),
  waive: (verdictId: string, why: string, days: number) => call('POST', '/api/v1/waivers', { verdictId, why, days }),
  endWaiver: (id: string) => call('DELETE', `/api/v1/waivers/${id}`),
};
