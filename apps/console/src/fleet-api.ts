import type { CreatedEnrolmentToken } from '@vouch/contracts';
import type { z } from 'zod';
import { call, json } from './api.js';

export type EnrolmentTokenMade = z.infer<typeof CreatedEnrolmentToken>;

/** What members of a consultancy do with customers and their machines. */
export const fleet = {
  addCustomer: (name: string) => call('POST', '/api/v1/tenants', { name }),
  enrolmentToken: (tenantId: string, ring: number) =>
    json<EnrolmentTokenMade>('POST', '/api/v1/enrolment-tokens', { tenantId, ring }),
  revoke: (deviceId: string) => call('DELETE', `/api/v1/devices/${deviceId}`),
};
