import { audit, publish, shared, type Clock, type Database, type Stage } from '@vouch/platform';
import type { PaymentProvider } from './payment-provider.port.js';

interface StatementRow {
  tenant_id: string;
  tenant: string;
  period: string;
  total_minor: number;
  currency: string;
  customer_id: string | null;
}

interface LineRow {
  cost_entry_id: string;
  run_id: string;
  patch: string;
  version: string;
  lab_ms: number;
  amount_minor: number;
  beneficiaries: number;
}

/**
 * Projects closed statements to the payment provider. Every call carries an idempotency key made from the statement,
 * so a crash between the provider's answer and our note of it bills nobody twice. Key: `tenantId statementId`.
 */
export class InvoiceStatementStage implements Stage {
  readonly name = 'invoicing';
  readonly concurrency = 2;
  readonly wakes = {
    'billing.statement-closed': (payload: Readonly<Record<string, unknown>>) =>
      `${String(payload['tenantId'])} ${String(payload['statementId'])}`,
  } as const;

  constructor(
    private readonly database: Database,
    private readonly provider: PaymentProvider,
    private readonly clock: Clock,
  ) {}

  async pending(): Promise<string[]> {
    const rows = await this.database.read<{ tenant_id: string; id: string }>(
      shared,
      `select tenant_id, id from billing_statement where state = 'closed' and total_minor > 0`,
    );
    return rows.map((row) => `${row.tenant_id} ${row.id}`);
  }

  async process(key: string, correlationId: string): Promise<void> {
    const [tenantId = '', statementId = ''] = key.split(' ');
    const facts = await this.facts(tenantId, statementId);
    if (!facts) return;
    const { statement, lines } = facts;
    const customerId =
      statement.customer_id ?? (await this.provider.ensureCustomer({ tenantId, name: statement.tenant }));
    const invoice = await this.provider.invoice({
      statementId,
      customerId,
      period: statement.period,
      currency: statement.currency,
      lines: lines.map((line) => ({
        id: line.cost_entry_id,
        amountMinor: line.amount_minor,
        description: `${line.patch} ${line.version}: test run ${line.run_id}, ${(line.lab_ms / 1000).toFixed(1)} lab seconds, shared by ${line.beneficiaries}`,
      })),
    });
    await this.database.transaction(shared, async (tx) => {
      await tx.query(
        `insert into billing_customer (tenant_id, provider, customer_id) values ($1, $2, $3)
         on conflict (tenant_id) do update set provider = excluded.provider, customer_id = excluded.customer_id`,
        [tenantId, this.provider.name, customerId],
      );
      const invoiced = await tx.query(
        `update billing_statement set state = case when paid_at is null then 'invoiced' else 'paid' end,
                invoice_id = $3, invoice_url = $4, invoiced_at = $5
          where tenant_id = $1 and id = $2 and state = 'closed' returning id`,
        [tenantId, statementId, invoice.invoiceId, invoice.url, this.clock()],
      );
      if (invoiced.length === 0) return;
      audit(tx, {
        tenantId,
        at: this.clock(),
        actor: 'platform',
        action: 'statement.invoice',
        subject: `statement:${statementId}`,
        why: 'The statement was closed',
        detail: { invoiceId: invoice.invoiceId, provider: this.provider.name },
      });
      await publish(tx, { topic: 'billing.statement-changed', payload: { tenantId, statementId }, correlationId });
    });
  }

  private facts(tenantId: string, statementId: string): Promise<{ statement: StatementRow; lines: LineRow[] } | null> {
    return this.database.transaction(shared, async (tx) => {
      const [statement] = await tx.query<StatementRow>(
        `select s.tenant_id, t.name as tenant, s.period, s.total_minor, s.currency, c.customer_id
           from billing_statement s join identity_tenant t on t.tenant_id = s.tenant_id
           left join billing_customer c on c.tenant_id = s.tenant_id and c.provider = $3
          where s.tenant_id = $1 and s.id = $2 and s.state = 'closed' and s.total_minor > 0`,
        [tenantId, statementId, this.provider.name],
      );
      if (!statement) return null;
      const lines = await tx.query<LineRow>(
        `select s.cost_entry_id, c.run_id, p.external_id as patch, v.version, c.lab_ms, s.amount_minor, s.beneficiaries
           from billing_share s
           join billing_cost_entry c on c.id = s.cost_entry_id
           join catalog_revision v on v.id = c.revision_id
           join catalog_patch p on p.id = v.patch_id
          where s.tenant_id = $1 and s.statement_id = $2 and s.amount_minor > 0 order by c.metered_at, c.id`,
        [tenantId, statementId],
      );
      return { statement, lines };
    });
  }
}
