import type { Origin } from '@vouch/platform';
import type { CallerRequest } from './access.js';

/** Where a request comes from: what sessions remember and the audit trail says. */
export const originOf = (request: Pick<CallerRequest, 'ip' | 'headers'>): Origin => ({
  address: request.ip,
  userAgent: request.headers['user-agent'] ?? '',
});
