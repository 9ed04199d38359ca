import type { CostEntry, Share, Statement } from '@vouch/contracts';
import { iso, isoOrNull, type Listing } from '../listing/lists.js';
import { needed, ofPatch } from './patches.listings.js';

interface CostRow {
  id: string;
  run_id: string;
  revision_id: string;
  patch: string;
  version: string;
  lab_ms: number;
  amount_minor: number;
  currency: string;
  metered_at: Date;
}

export const costListing: Listing<CostRow, CostEntry> = {
  name: 'costs',
  select: `c.id, c.run_id, c.revision_id, p.external_id as patch, v.version, c.lab_ms, c.amount_minor, c.currency, c.metered_at`,
  from: `from billing_cost_entry c join catalog_revision v on v.id = c.revision_id join catalog_patch p on p.id = v.patch_id
    where (${needed('c.revision_id')} or exists (select 1 from billing_share s where s.cost_entry_id = c.id))`,
  sort: { sql: 'c.metered_at', type: 'timestamptz' },
  id: { sql: 'c.id', type: 'uuid' },
  filters: { revisionId: 'c.revision_id = ?', runId: 'c.run_id = ?' },
  view: (row) => ({
    id: row.id,
    runId: row.run_id,
    ...ofPatch(row),
    labSeconds: row.lab_ms / 1000,
    total: { amountMinor: row.amount_minor, currency: row.currency },
    meteredAt: iso(row.metered_at),
  }),
};

interface ShareRow {
  tenant_id: string;
  cost_entry_id: string;
  statement_id: string;
  run_id: string;
  revision_id: string;
  patch: string;
  version: string;
  amount_minor: number;
  currency: string;
  beneficiaries: number;
}

export const shareListing: Listing<ShareRow, Share> = {
  name: 'shares',
  select: `s.tenant_id, s.cost_entry_id, s.statement_id, c.run_id, c.revision_id, p.external_id as patch, v.version,
    s.amount_minor, s.currency, s.beneficiaries`,
  from: `from billing_share s join billing_statement b on b.tenant_id = s.tenant_id and b.id = s.statement_id
    join billing_cost_entry c on c.id = s.cost_entry_id join catalog_revision v on v.id = c.revision_id
    join catalog_patch p on p.id = v.patch_id where true`,
  sort: { sql: 'b.closed_at', type: 'timestamptz' },
  id: { sql: '(s.tenant_id::text || s.cost_entry_id::text)', type: 'text' },
  filters: { tenantId: 's.tenant_id = ?', statementId: 's.statement_id = ?', costEntryId: 's.cost_entry_id = ?' },
  view: (row) => ({
    tenantId: row.tenant_id,
    costEntryId: row.cost_entry_id,
    statementId: row.statement_id,
    runId: row.run_id,
    ...ofPatch(row),
    share: { amountMinor: row.amount_minor, currency: row.currency },
    beneficiaries: row.beneficiaries,
  }),
};

interface StatementRow {
  id: string;
  tenant_id: string;
  period: string;
  state: Statement['state'];
  total_minor: number;
  currency: string;
  invoice_id: string | null;
  invoice_url: string | null;
  closed_at: Date;
  invoiced_at: Date | null;
  paid_at: Date | null;
}

export const statementListing: Listing<StatementRow, Statement> = {
  name: 'statements',
  select: `b.id, b.tenant_id, b.period, b.state, b.total_minor, b.currency, b.invoice_id, b.invoice_url, b.closed_at, b.invoiced_at, b.paid_at`,
  from: 'from billing_statement b where true',
  sort: { sql: 'b.closed_at', type: 'timestamptz' },
  id: { sql: 'b.id', type: 'uuid' },
  filters: { tenantId: 'b.tenant_id = ?', period: 'b.period = ?', state: 'b.state = ?' },
  view: (row) => ({
    id: row.id,
    tenantId: row.tenant_id,
    period: row.period,
    state: row.state,
    total: { amountMinor: row.total_minor, currency: row.currency },
    invoiceId: row.invoice_id,
    invoiceUrl: row.invoice_url,
    closedAt: iso(row.closed_at),
    invoicedAt: isoOrNull(row.invoiced_at),
    paidAt: isoOrNull(row.paid_at),
  }),
};
