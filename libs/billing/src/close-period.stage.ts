import { audit, idOf, publish, shared, type Clock, type Database, type Stage, type Tx } from '@vouch/platform';
import { ODD_UNITS, splitCosts, type TenantShare } from './domain/cost-split.js';
import { draftStatements, inOneCurrency, type StatementDraft } from './domain/statement-draft.js';

interface EntryRow {
  id: string;
  amount_minor: number;
  currency: string;
  beneficiaries: string[];
}

/**
 * Closes a billing period of one MSP. First the costs that its tenants share are split, each once and over all tenants
 * whose machines needed the patch, whichever MSP they belong to. Then each of its own tenants gets one statement of the
 * shares that are on none yet; shares of other MSPs' tenants wait until their MSP closes a period. A tenant that already
 * has a statement of this period gets no second one. Key: MSP and period.
 */
export class ClosePeriodStage implements Stage {
  readonly name = 'closing';
  readonly concurrency = 1;
  readonly wakes = {
    'billing.close-requested': ({ mspId, period }: Readonly<Record<string, unknown>>) =>
      typeof mspId === 'string' ? closingKey(mspId, String(period)) : null,
  } as const;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async pending(): Promise<string[]> {
    const rows = await this.database.read<{ msp_id: string; name: string }>(
      shared,
      'select msp_id, name from billing_period where closed_at is null order by requested_at',
    );
    return rows.map((row) => closingKey(row.msp_id, row.name));
  }

  async process(key: string, correlationId: string): Promise<void> {
    const [, mspId, period] = /^([^/]+)\/(.+)$/.exec(key) ?? [];
    if (mspId === undefined || period === undefined) return;
    await this.database.transaction(shared, async (tx) => {
      const [request] = await tx.query<{ requested_by: string }>(
        'select requested_by from billing_period where msp_id = $1 and name = $2 and closed_at is null for update',
        [mspId, period],
      );
      if (!request) return;
      // One closing at a time: two would both find the same entries unsplit.
      await tx.query(`select pg_advisory_xact_lock(hashtext('vouch close period'))`);
      await splitCostsOf(tx, mspId);
      const statements = draftStatements(inOneCurrency(await openShares(tx, mspId, period)));
      for (const statement of statements) {
        await this.writeStatement(tx, statement, { period, actor: request.requested_by, correlationId });
      }
      await tx.query('update billing_period set closed_at = $3, statements = $4 where msp_id = $1 and name = $2', [
        mspId,
        period,
        this.clock(),
        statements.length,
      ]);
    });
  }

  private async writeStatement(
    tx: Tx,
    { tenantId, shares, totalMinor, currency }: StatementDraft,
    { period, actor, correlationId }: Closing,
  ): Promise<void> {
    const statementId = idOf('statement', tenantId, period);
    await tx.query(
      `insert into billing_statement (tenant_id, id, period, state, total_minor, currency, closed_at)
       values ($1, $2, $3, 'closed', $4, $5, $6)`,
      [tenantId, statementId, period, totalMinor, currency, this.clock()],
    );
    await tx.query(
      'update billing_share set statement_id = $3 where tenant_id = $1 and cost_entry_id = any ($2::uuid[]) and statement_id is null',
      [tenantId, shares.map((share) => share.costEntryId), statementId],
    );
    audit(tx, {
      tenantId,
      at: this.clock(),
      actor,
      action: 'statement.close',
      subject: `statement:${statementId}`,
      why: `Period ${period} ended`,
      detail: { totalMinor, currency, lines: shares.length },
    });
    await publish(tx, { topic: 'billing.statement-closed', payload: { tenantId, statementId }, correlationId });
  }
}

interface Closing {
  readonly period: string;
  readonly actor: string;
  readonly correlationId: string;
}

const closingKey = (mspId: string, period: string): string => `${mspId}/${period}`;

/**
 * Splits what is not split yet of the costs that tenants of the MSP share, and keeps everybody's share. Those share a cost
 * whose machines needed the patch; of a test that was done again because its verdict ended, those that needed it then or later.
 */
async function splitCostsOf(tx: Tx, mspId: string): Promise<void> {
  const entries = await tx.query<EntryRow>(
    `select c.id, c.amount_minor, c.currency, array_agg(distinct n.tenant_id order by n.tenant_id) as beneficiaries
       from billing_cost_entry c
       join fleet_need n on n.revision_id = c.revision_id
            and (c.needed_since is null or n.met_at is null or n.met_at >= c.needed_since)
       join identity_tenant t on t.tenant_id = n.tenant_id
      where not exists (select 1 from billing_share s where s.cost_entry_id = c.id)
      group by c.id having bool_or(t.msp_id = $1) order by c.metered_at, c.id`,
    [mspId],
  );
  const costs = entries.map(({ id, amount_minor: amountMinor, currency, beneficiaries }) => ({
    costEntryId: id,
    amountMinor,
    currency,
    beneficiaries,
  }));
  const shares = splitCosts(costs);
  await tx.query(
    `insert into billing_share (tenant_id, cost_entry_id, amount_minor, currency, beneficiaries, odd_unit_rule)
     select *, $6::integer from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::int[])`,
    [
      shares.map((share) => share.tenantId),
      shares.map((share) => share.costEntryId),
      shares.map((share) => share.amountMinor),
      shares.map((share) => share.currency),
      shares.map((share) => share.beneficiaries),
      ODD_UNITS.version,
    ],
  );
}

/** Shares of the MSP's tenants that are on no statement, oldest cost first, of tenants without a statement of this period. */
async function openShares(tx: Tx, mspId: string, period: string): Promise<TenantShare[]> {
  return tx.query<TenantShare>(
    `select s.tenant_id as "tenantId", s.cost_entry_id as "costEntryId", s.amount_minor as "amountMinor", s.currency, s.beneficiaries
       from billing_share s
       join identity_tenant t on t.tenant_id = s.tenant_id
       join billing_cost_entry c on c.id = s.cost_entry_id
      where s.statement_id is null and t.msp_id = $1
        and not exists (select 1 from billing_statement b where b.tenant_id = s.tenant_id and b.period = $2)
      order by c.metered_at, c.id, s.tenant_id`,
    [mspId, period],
  );
}
