import type { PlanStep, RunOutput } from '@vouch/contracts';
import { shared, type Database, type Tx } from '@vouch/platform';
import { plainText } from './domain/plain-text.js';
import { LeaseLost } from './lease.js';

/** Channel of PostgreSQL on which the id of a run is told whose output grew. */
export const RUN_OUTPUT_CHANNEL = 'vouch_run_output';

/** Whoever begins to watch sees the newest of this many pieces. */
const PIECES_KEPT = 100;

export interface OutputPiece {
  readonly attempt: number;
  /** Counts up within an attempt. */
  readonly number: number;
  readonly step: PlanStep;
  readonly text: string;
}

/** What the machines of test runs print while they are tested. It is there for people who watch, and ends with the run. */
export class WatchRuns {
  constructor(private readonly database: Database) {}

  /** @throws LeaseLost when the run is not this runner's, or not any more */
  async add(runnerId: string, runId: string, { attempt, step, text }: RunOutput): Promise<void> {
    const shown = plainText(text);
    await this.database.transaction(shared, async (tx) => {
      // The lock gives the pieces their order.
      const held = await tx.query(
        `select 1 from lab_test_run where id = $1 and runner_id = $2 and attempt = $3 and state in ('leased', 'running') for update`,
        [runId, runnerId, attempt],
      );
      if (held.length === 0) throw new LeaseLost(runId);
      if (shown === '') return;
      const [piece] = await tx.query<{ number: number }>(
        `insert into lab_run_output (run_id, attempt, number, step, text)
         select $1, $2, coalesce(max(number), 0) + 1, $3, $4 from lab_run_output where run_id = $1 and attempt = $2
         returning number`,
        [runId, attempt, step, shown],
      );
      await tx.query('delete from lab_run_output where run_id = $1 and (attempt < $2 or number <= $3)', [
        runId,
        attempt,
        (piece?.number ?? 0) - PIECES_KEPT,
      ]);
      await tx.query('select pg_notify($1, $2)', [RUN_OUTPUT_CHANNEL, runId]);
    });
  }

  /**
   * @param after the piece that was seen last; null: from the oldest that is kept
   * @returns null when there is no such run
   */
  async read(
    runId: string,
    after: Pick<OutputPiece, 'attempt' | 'number'> | null,
  ): Promise<{ readonly ended: boolean; readonly pieces: readonly OutputPiece[] } | null> {
    return this.database.transaction(shared, async (tx) => {
      const [run] = await tx.query<{ ended: boolean }>(
        `select state not in ('queued', 'leased', 'running') as ended from lab_test_run where id = $1`,
        [runId],
      );
      if (run === undefined) return null;
      const pieces = await tx.query<OutputPiece>(
        `select attempt, number, step, text from lab_run_output where run_id = $1 and (attempt, number) > ($2, $3)
          order by attempt, number`,
        [runId, after?.attempt ?? 0, after?.number ?? 0],
      );
      return { ended: run.ended, pieces };
    });
  }
}

/** A run that has ended is not watched any more: its evidence tells everything. */
export async function forgetOutput(tx: Tx, runIds: readonly string[]): Promise<void> {
  await tx.query('delete from lab_run_output where run_id = any ($1::uuid[])', [runIds]);
}
