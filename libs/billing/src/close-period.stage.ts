import { audit, idOf, publish, shared, type Clock, type Database, type Stage, type Tx } from '@vouch/platform';
import { splitCosts } from './domain/cost-split.js';
import { draftStatements, inOneCurrency, type StatementDraft } from './domain/statement-draft.js';

interface EntryRow {
  id: string;
  amount_minor: number;
  currency: string;
  beneficiaries: string[];
}

/**
 * Closes a billing period: every cost entry that is on no statement yet is split over the tenants whose machines
 * needed its patch, and each of them gets one statement. A tenant that already has a statement of this period gets no
 * second one: later costs wait for the next period. Key: the period's name.
 */
export class ClosePeriodStage implements Stage {
  readonly name = 'closing';
  readonly concurrency = 1;
  readonly wakes = {
    'billing.close-requested': (payload: Readonly<Record<string, unknown>>) => String(payload['period']),
  } as const;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async pending(): Promise<string[]> {
    const rows = await this.database.read<{ name: string }>(
      shared,
      'select name from billing_period where closed_at is null',
    );
    return rows.map((row) => row.name);
  }

  async process(period: string, correlationId: string): Promise<void> {
    await this.database.transaction(shared, async (tx) => {
      const [request] = await tx.query<{ requested_by: string }>(
        'select requested_by from billing_period where name = $1 and closed_at is null for update',
        [period],
      );
      if (!request) return;
      // One closing at a time: two would both find the same entries unbilled.
      await tx.query(`select pg_advisory_xact_lock(hashtext('vouch close period'))`);
      const entries = inOneCurrency(await unbilledEntries(tx));
      const shares = splitCosts(
        entries.map((entry) => ({
          costEntryId: entry.id,
          amountMinor: entry.amount_minor,
          currency: entry.currency,
          beneficiaries: entry.beneficiaries,
        })),
        period,
      );
      const statements = draftStatements(shares);
      for (const statement of statements) {
        await this.writeStatement(tx, statement, { period, actor: request.requested_by, correlationId });
      }
      await tx.query('update billing_period set closed_at = $2, statements = $3 where name = $1', [
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
      `insert into billing_share (tenant_id, cost_entry_id, amount_minor, currency, beneficiaries, statement_id)
       select $1, s.cost_entry_id, s.amount_minor, $5, s.beneficiaries, $6
         from unnest($2::uuid[], $3::bigint[], $4::int[]) as s (cost_entry_id, amount_minor, beneficiaries)`,
      [
        tenantId,
        shares.map((share) => share.costEntryId),
        shares.map((share) => share.amountMinor),
        shares.map((share) => share.beneficiaries),
        currency,
        statementId,
      ],
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

/**
 * Entries that no statement has, each with the tenants whose machines needed the patch; of a test that was done again because
 * its verdict ended, with those that needed it then or later.
 */
async function unbilledEntries(tx: Tx): Promise<EntryRow[]> {
  return tx.query<EntryRow>(
    `select c.id, c.amount_minor, c.currency, array_agg(distinct n.tenant_id order by n.tenant_id) as beneficiaries
       from billing_cost_entry c
       join fleet_need n on n.revision_id = c.revision_id
            and (c.needed_since is null or n.met_at is null or n.met_at >= c.needed_since)
      where not exists (select 1 from billing_share s where s.cost_entry_id = c.id)
      group by c.id order by c.metered_at, c.id`,
  );
}
