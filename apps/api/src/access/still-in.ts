import { may, type Action } from '@vouch/identity';
import type { Services } from '../services.js';
import type { CallerRequest } from './access.js';
import { apiKeyOf } from './access.guard.js';

/** How often those who listen to a stream are asked again whether they may. */
export const STILL_IN_EVERY_MS = 20_000;

/**
 * Would whoever began this request still be let in? For streams, which outlast what let them in: a session that ends, a key
 * that is revoked, a member who leaves. Being asked is no sign of life of a session.
 */
export async function isStillIn(
  services: Services,
  { caller, headers }: CallerRequest,
  action: Action,
): Promise<boolean> {
  if (caller === undefined) return false;
  try {
    if (caller.kind === 'member') return await services.people.sessions.lives(caller);
    const key = apiKeyOf(headers.authorization);
    const found = key === null ? null : await services.rest.apiKeys.find(key, caller);
    return found !== null && may(found, action);
  } catch {
    // In doubt nobody listens; who may begins anew.
    return false;
  }
}
