import { z } from 'zod';
import { Timestamp } from '../digest.js';
import { Money } from '../overview.js';
import { exampleIds as id, pageOf, pageParameters, PlainText } from './page.js';
import { exampleOfPatch } from './patches.js';

export const CostEntry = z
  .object({
    id: z.uuid(),
    runId: z.uuid(),
    revisionId: z.uuid(),
    patch: z.string(),
    version: z.string(),
    labSeconds: z.number().nonnegative(),
    total: Money,
    meteredAt: Timestamp,
  })
  .meta({
    id: 'CostEntry',
    description: 'The metered cost of one test, before it is split.',
    examples: [
      {
        id: id.cost,
        runId: id.run,
        ...exampleOfPatch,
        labSeconds: 11.2,
        total: { amountMinor: 27, currency: 'EUR' },
        meteredAt: '2026-01-06T06:01:15.000Z',
      },
    ],
  });
export type CostEntry = z.infer<typeof CostEntry>;
export const CostEntryPage = pageOf(CostEntry, 'CostEntryPage');
export const CostEntryQuery = z.strictObject({
  ...pageParameters,
  revisionId: z.uuid().optional(),
  runId: z.uuid().optional(),
});

export const Share = z
  .object({
    tenantId: z.uuid(),
    costEntryId: z.uuid(),
    statementId: z.uuid(),
    runId: z.uuid(),
    revisionId: z.uuid(),
    patch: z.string(),
    version: z.string(),
    share: Money,
    beneficiaries: z.int().positive().meta({ description: 'How many tenants share the cost.' }),
  })
  .meta({
    id: 'Share',
    description: "One tenant's part of the cost of one test.",
    examples: [
      {
        tenantId: id.tenant,
        costEntryId: id.cost,
        statementId: id.statement,
        runId: id.run,
        ...exampleOfPatch,
        share: { amountMinor: 9, currency: 'EUR' },
        beneficiaries: 3,
      },
    ],
  });
export type Share = z.infer<typeof Share>;
export const SharePage = pageOf(Share, 'SharePage');
export const ShareQuery = z.strictObject({
  ...pageParameters,
  tenantId: z.uuid().optional(),
  statementId: z.uuid().optional(),
  costEntryId: z.uuid().optional(),
});

export const Statement = z
  .object({
    id: z.uuid(),
    tenantId: z.uuid(),
    period: z.string(),
    state: z.enum(['closed', 'invoiced', 'paid']),
    total: Money,
    invoiceId: z.string().nullable(),
    invoiceUrl: z.string().nullable(),
    closedAt: Timestamp,
    invoicedAt: Timestamp.nullable(),
    paidAt: Timestamp.nullable(),
  })
  .meta({
    id: 'Statement',
    description: "A tenant's bill of one period.",
    examples: [
      {
        id: id.statement,
        tenantId: id.tenant,
        period: '2026-01',
        state: 'closed',
        total: { amountMinor: 9, currency: 'EUR' },
        invoiceId: null,
        invoiceUrl: null,
        closedAt: '2026-02-01T00:00:00.000Z',
        invoicedAt: null,
        paidAt: null,
      },
    ],
  });
export type Statement = z.infer<typeof Statement>;
export const StatementPage = pageOf(Statement, 'StatementPage');
export const StatementQuery = z.strictObject({
  ...pageParameters,
  tenantId: z.uuid().optional(),
  period: PlainText.max(40).optional(),
  state: Statement.shape.state.optional(),
});

export const ClosePeriod = z
  .strictObject({ period: z.string().regex(/^[\w.:-]{1,40}$/, 'must be a short name such as 2026-01') })
  .meta({ id: 'ClosePeriod', examples: [{ period: '2026-01' }] });
export const PortalSession = z
  .object({ url: z.string() })
  .meta({ id: 'PortalSession', examples: [{ url: 'https://billing.example/session/abc' }] });
