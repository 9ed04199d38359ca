import { z } from 'zod';
import { Sha256, Timestamp } from '../digest.js';
import { exampleIds as id, exampleSha256, pageOf, pageParameters } from './page.js';
import { exampleOfPatch } from './patches.js';

export const Channel = z
  .object({
    id: z.uuid(),
    policy: z.object({ id: z.uuid(), name: z.string() }),
    cohort: z.object({ id: z.uuid(), label: z.string() }),
    ring: z.int().nonnegative(),
    version: z.int().nonnegative().meta({ description: 'Grows with each change of what is approved.' }),
    publishedVersion: z.int().nonnegative().meta({ description: 'The version that machines can read now.' }),
    publishedUntil: Timestamp.nullable(),
  })
  .meta({
    id: 'Channel',
    description: 'What machines of one kind and ring read. Only those of your machines.',
    examples: [
      {
        id: id.channel,
        policy: { id: id.policy, name: 'Tested, low-impact machines first' },
        cohort: { id: id.cohort, label: 'debian-12-amd64: mariadb, nginx' },
        ring: 0,
        version: 3,
        publishedVersion: 3,
        publishedUntil: '2026-01-07T06:01:15.000Z',
      },
    ],
  });
export type Channel = z.infer<typeof Channel>;
export const ChannelPage = pageOf(Channel, 'ChannelPage');
export const ChannelQuery = z.strictObject({
  ...pageParameters,
  policyId: z.uuid().optional(),
  cohortId: z.uuid().optional(),
});

export const Approval = z
  .object({
    id: z.uuid(),
    channelId: z.uuid(),
    revisionId: z.uuid(),
    patch: z.string(),
    version: z.string(),
    verdictId: z.uuid(),
    state: z.enum(['active', 'held', 'withdrawn']),
    reason: z.string(),
    coverage: z.object({ score: z.number(), notCovered: z.array(z.string()) }),
    notBefore: Timestamp,
    expiresAt: Timestamp,
    approvedAt: Timestamp,
  })
  .meta({
    id: 'Approval',
    examples: [
      {
        id: id.approval,
        channelId: id.channel,
        ...exampleOfPatch,
        verdictId: id.verdict,
        state: 'active',
        reason: '',
        coverage: { score: 0.92, notCovered: ['php8.2-fpm.service'] },
        notBefore: '2026-01-06T06:01:15.000Z',
        expiresAt: '2026-02-05T06:01:14.000Z',
        approvedAt: '2026-01-06T06:01:15.000Z',
      },
    ],
  });
export type Approval = z.infer<typeof Approval>;
export const ApprovalPage = pageOf(Approval, 'ApprovalPage');
export const ApprovalQuery = z.strictObject({
  ...pageParameters,
  channelId: z.uuid().optional(),
  revisionId: z.uuid().optional(),
  state: Approval.shape.state.optional(),
});

export const ApprovalCheckQuery = z.strictObject({ sha256: Sha256, deviceId: z.uuid() });
export const ApprovalCheck = z
  .object({
    sha256: Sha256,
    deviceId: z.uuid(),
    approved: z.boolean(),
    reason: z.string().meta({ description: 'Why, in a sentence.' }),
    revisionId: z.uuid().nullable(),
    patch: z.string().nullable(),
    version: z.string().nullable(),
    approvalId: z.uuid().nullable(),
    verdictId: z.uuid().nullable(),
    expiresAt: Timestamp.nullable().meta({ description: 'Until when the approval holds.' }),
  })
  .meta({
    id: 'ApprovalCheck',
    description: 'Is this digest approved for this machine?',
    examples: [
      {
        sha256: exampleSha256,
        deviceId: id.device,
        approved: true,
        reason: 'nginx 1.22.1-9+deb12u2 is approved for this machine until 2026-02-05.',
        ...exampleOfPatch,
        approvalId: id.approval,
        verdictId: id.verdict,
        expiresAt: '2026-02-05T06:01:14.000Z',
      },
    ],
  });
export type ApprovalCheck = z.infer<typeof ApprovalCheck>;

export const Outcome = z
  .object({
    tenantId: z.uuid(),
    deviceId: z.uuid(),
    device: z.string(),
    revisionId: z.uuid(),
    patch: z.string(),
    version: z.string(),
    result: z.enum(['installed', 'failed', 'refused']),
    healthy: z.boolean(),
    detail: z.string(),
    channelVersion: z.int(),
    reportedAt: Timestamp,
  })
  .meta({
    id: 'Outcome',
    description: 'What really happened on a device.',
    examples: [
      {
        tenantId: id.tenant,
        deviceId: id.device,
        device: 'bakery-shop',
        ...exampleOfPatch,
        result: 'installed',
        healthy: true,
        detail: '',
        channelVersion: 3,
        reportedAt: '2026-01-06T07:00:00.000Z',
      },
    ],
  });
export type Outcome = z.infer<typeof Outcome>;
export const OutcomePage = pageOf(Outcome, 'OutcomePage');
export const OutcomeQuery = z.strictObject({
  ...pageParameters,
  tenantId: z.uuid().optional(),
  deviceId: z.uuid().optional(),
  revisionId: z.uuid().optional(),
  result: Outcome.shape.result.optional(),
});
