import { z } from 'zod';
import { Timestamp } from '../digest.js';
import { exampleIds as id, pageOf, pageParameters, PlainText } from './page.js';

export const Whoami = z
  .object({
    kind: z.enum(['member', 'api-key']),
    id: z.uuid(),
    name: z.string(),
    role: z.string(),
    msp: z.string(),
    tenantIds: z.array(z.uuid()),
    actions: z.array(z.string()).meta({ description: 'What the caller may do.' }),
  })
  .meta({
    id: 'Whoami',
    examples: [
      {
        kind: 'api-key',
        id: id.apiKey,
        name: 'nightly report',
        role: 'technician',
        msp: 'Harbour IT',
        tenantIds: [id.tenant],
        actions: ['device:read'],
      },
    ],
  });
export type Whoami = z.infer<typeof Whoami>;

const key = {
  id: id.apiKey,
  name: 'nightly report',
  hint: 'vk_3kTq…',
  role: 'technician',
  actions: ['device:read', 'outcome:read'],
  tenantIds: null,
  state: 'active' as const,
  createdBy: `member:${id.token}`,
  createdAt: '2026-01-05T08:00:00.000Z',
  expiresAt: '2026-07-05T08:00:00.000Z',
  lastUsedAt: null,
  revokedAt: null,
};
export const ApiKey = z
  .object({
    id: z.uuid(),
    name: z.string(),
    hint: z.string().meta({ description: 'The first characters of the key, to tell keys apart.' }),
    role: z.string(),
    actions: z.array(z.string()),
    tenantIds: z.array(z.uuid()).nullable().meta({ description: 'Null: all tenants that its maker may reach.' }),
    state: z.enum(['active', 'revoked', 'expired']),
    createdBy: z.string(),
    createdAt: Timestamp,
    expiresAt: Timestamp,
    lastUsedAt: Timestamp.nullable().meta({ description: 'To about half a minute.' }),
    revokedAt: Timestamp.nullable(),
  })
  .meta({ id: 'ApiKey', description: 'An API key, without its secret.', examples: [key] });
export type ApiKey = z.infer<typeof ApiKey>;
export const ApiKeyPage = pageOf(ApiKey, 'ApiKeyPage');
export const ApiKeyQuery = z.strictObject({ ...pageParameters });

export const NewApiKey = z
  .strictObject({
    name: PlainText.min(1).max(100),
    role: z.string().max(40).optional().meta({ description: "At most the maker's, which it is when left out." }),
    actions: z.array(z.string().max(60)).min(1).max(100),
    tenantIds: z.array(z.uuid()).min(1).max(1000).optional(),
    expiresInDays: z.int().min(1).max(365),
  })
  .meta({
    id: 'NewApiKey',
    examples: [{ name: 'nightly report', actions: ['device:read', 'outcome:read'], expiresInDays: 180 }],
  });
export type NewApiKey = z.infer<typeof NewApiKey>;

export const CreatedApiKey = ApiKey.extend({
  key: z.string().meta({ description: 'Shown only here. Send it as `Authorization: Bearer <key>`.' }),
}).meta({ id: 'CreatedApiKey', examples: [{ ...key, key: 'vk_3kTq…' }] });
export type CreatedApiKey = z.infer<typeof CreatedApiKey>;
