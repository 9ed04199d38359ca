import { idOf, publish, shared, type Clock, type Database, type Stage } from '@vouch/platform';
import { meteredCost, type LabRate } from './domain/cost-entry.js';

/** Turns the lab time of finished runs into cost entries, once each. Key: the run's id. */
export class MeterRunStage implements Stage {
  readonly name = 'metering';
  readonly concurrency = 2;
  readonly wakes = {
    'lab.verdict-issued': (payload: Readonly<Record<string, unknown>>) => String(payload['runId']),
  } as const;

  constructor(
    private readonly database: Database,
    private readonly rate: LabRate,
    private readonly clock: Clock,
  ) {}

  /**
   * Judged runs that said something about the patch and are not metered. An inconclusive one is the lab's own cost, and so is
   * one that an operator had done again.
   */
  async pending(): Promise<string[]> {
    const rows = await this.database.read<{ run_id: string }>(
      shared,
      `select v.run_id from lab_verdict v join lab_test_run r on r.id = v.run_id
        where v.result <> 'inconclusive' and r.cause <> 'operator'
         and not exists (select 1 from billing_cost_entry c where c.run_id = v.run_id)`,
    );
    return rows.map((row) => row.run_id);
  }

  async process(runId: string, correlationId: string): Promise<void> {
    await this.database.transaction(shared, async (tx) => {
      const [run] = await tx.query<{ revision_id: string; lab_ms: number; needed_since: Date | null }>(
        `select v.revision_id, (r.observations->>'labMilliseconds')::bigint as lab_ms,
                case when r.cause = 'expired' then r.queued_at end as needed_since
           from lab_verdict v join lab_test_run r on r.id = v.run_id
          where v.run_id = $1 and v.result <> 'inconclusive' and r.cause <> 'operator'`,
        [runId],
      );
      if (!run) return;
      const costEntryId = idOf('cost-entry', runId);
      const cost = meteredCost(run.lab_ms, this.rate);
      const made = await tx.query(
        `insert into billing_cost_entry (id, run_id, revision_id, lab_ms, amount_minor, currency, rule, metered_at, needed_since)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (run_id) do nothing returning id`,
        [
          costEntryId,
          runId,
          run.revision_id,
          run.lab_ms,
          cost.amountMinor,
          cost.currency,
          JSON.stringify(this.rate),
          this.clock(),
          run.needed_since,
        ],
      );
      if (made.length === 0) return;
      await publish(tx, {
        topic: 'billing.cost-metered',
        payload: { costEntryId, revisionId: run.revision_id },
        correlationId,
      });
    });
  }
}
