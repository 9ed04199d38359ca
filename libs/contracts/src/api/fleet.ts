import { z } from 'zod';
import { Fingerprint } from '../device.js';
import { Timestamp } from '../digest.js';
import { exampleIds as id, pageOf, pageParameters, PlainText } from './page.js';

export const Tenant = z
  .object({
    id: z.uuid(),
    name: z.string(),
    createdAt: Timestamp,
    policy: z.object({ id: z.uuid(), name: z.string() }).nullable(),
    devices: z.int().nonnegative().meta({ description: 'Machines that are enrolled and not revoked.' }),
  })
  .meta({
    id: 'Tenant',
    description: 'One small business.',
    examples: [
      {
        id: id.tenant,
        name: 'Corner Bakery',
        createdAt: '2026-01-05T08:00:00.000Z',
        policy: { id: id.policy, name: 'Tested, low-impact machines first' },
        devices: 2,
      },
    ],
  });
export type Tenant = z.infer<typeof Tenant>;
export const TenantPage = pageOf(Tenant, 'TenantPage');
export const TenantQuery = z.strictObject({ ...pageParameters, name: PlainText.max(200).optional() });

const device = {
  id: id.device,
  tenantId: id.tenant,
  name: 'bakery-shop',
  ring: 1,
  stream: 'debian-12-amd64',
  cohort: { id: id.cohort, label: 'debian-12-amd64: mariadb, nginx' },
  enrolledAt: '2026-01-05T09:00:00.000Z',
  lastSeenAt: '2026-01-06T10:15:00.000Z',
  revokedAt: null,
};

export const Device = z
  .object({
    id: z.uuid(),
    tenantId: z.uuid(),
    name: z.string(),
    ring: z.int().nonnegative(),
    stream: z.string().nullable(),
    cohort: z.object({ id: z.uuid(), label: z.string() }).nullable(),
    enrolledAt: Timestamp,
    lastSeenAt: Timestamp.nullable(),
    revokedAt: Timestamp.nullable(),
  })
  .meta({ id: 'Device', description: 'One managed machine of a tenant.', examples: [device] });
export type Device = z.infer<typeof Device>;
export const DevicePage = pageOf(Device, 'DevicePage');
export const DeviceQuery = z.strictObject({
  ...pageParameters,
  tenantId: z.uuid().optional(),
  name: PlainText.max(200).optional(),
  stream: PlainText.max(100).optional(),
});

export const DeviceDetail = Device.extend({
  fingerprint: Fingerprint.nullable().meta({ description: 'What it last said it is; null until it has.' }),
}).meta({
  id: 'DeviceDetail',
  examples: [
    {
      ...device,
      fingerprint: {
        osRelease: { id: 'debian', versionId: '12', codename: 'bookworm' },
        architecture: 'amd64',
        kernel: '6.1.0-30-amd64',
        services: ['nginx.service'],
        components: [
          {
            package: 'nginx',
            version: '1.22.1-9',
            architecture: 'amd64',
            source: 'nginx',
            sourceVersion: '1.22.1-9',
          },
        ],
      },
    },
  ],
});
export type DeviceDetail = z.infer<typeof DeviceDetail>;

const token = {
  id: id.token,
  tenantId: id.tenant,
  ring: 0,
  state: 'open' as const,
  createdBy: `member:${id.apiKey}`,
  createdAt: '2026-01-05T08:30:00.000Z',
  expiresAt: '2026-01-06T08:30:00.000Z',
  usedAt: null,
  deviceId: null,
};

export const EnrolmentToken = z
  .object({
    id: z.uuid(),
    tenantId: z.uuid(),
    ring: z.int().nonnegative(),
    state: z.enum(['open', 'used', 'revoked', 'expired']),
    createdBy: z.string(),
    createdAt: Timestamp,
    expiresAt: Timestamp,
    usedAt: Timestamp.nullable(),
    deviceId: z.uuid().nullable().meta({ description: 'The device that used it.' }),
  })
  .meta({ id: 'EnrolmentToken', description: 'A one-time token, without its secret.', examples: [token] });
export type EnrolmentToken = z.infer<typeof EnrolmentToken>;
export const EnrolmentTokenPage = pageOf(EnrolmentToken, 'EnrolmentTokenPage');
export const EnrolmentTokenQuery = z.strictObject({ ...pageParameters, tenantId: z.uuid().optional() });

export const NewEnrolmentToken = z
  .strictObject({ tenantId: z.uuid(), ring: z.int().min(0).max(9) })
  .meta({ id: 'NewEnrolmentToken', examples: [{ tenantId: id.tenant, ring: 0 }] });

export const CreatedEnrolmentToken = z
  .object({ id: z.uuid(), token: z.string().meta({ description: 'Shown only here.' }), expiresAt: Timestamp })
  .meta({
    id: 'CreatedEnrolmentToken',
    examples: [{ id: id.token, token: 've_0d8e1f527c3a4b7e9a512f6c8d1e4b90_…', expiresAt: token.expiresAt }],
  });
