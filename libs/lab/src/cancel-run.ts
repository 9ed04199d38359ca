import { audit, publish, shared, type Clock, type Database, type Tx, type Origin } from '@vouch/platform';
import { canTransition, type TestRunState } from './domain/test-run-state.js';
import { forgetOutput } from './run-output.js';

/** A run is in a state that what was asked for cannot follow. */
export class RunNotChangeable extends Error {
  readonly code = 'run-not-changeable';
  constructor(runId: string, state: TestRunState, wanted: TestRunState) {
    super(`Test run ${runId} is ${state}, so it cannot become ${wanted}.`);
  }
}

const ACTIONS = { cancelled: 'run.cancelled', queued: 'run.resumed', judged: 'run.asked-again' } as const;

/** Who asks, as the audit trail names them. */
export interface Asker {
  readonly actor: string;
  readonly from?: Origin;
  readonly correlationId: string;
}

/** Calls runs off, takes that back, and has runs done again. */
export class CancelRun {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Whoever is at it is told with its next sign of life, and discards the machine. What was found until then counts for
   * nothing: a run that was called off has no verdict.
   * @returns false when there is no such run
   * @throws RunNotChangeable
   */
  cancel(runId: string, why: string, asker: Asker): Promise<boolean> {
    const may = (state: TestRunState): boolean => canTransition(state, 'cancelled');
    return this.change(runId, { to: 'cancelled', may, why }, asker, (tx) =>
      tx.query(
        `update lab_test_run set state = 'cancelled', runner_id = null, lease_until = null, finished_at = $2, cancelled_why = $3
          where id = $1`,
        [runId, this.clock(), why],
      ),
    );
  }

  /** Puts a run that was called off back into the queue. @returns false when there is no such run @throws RunNotChangeable */
  resume(runId: string, asker: Asker): Promise<boolean> {
    const may = (state: TestRunState): boolean => state === 'cancelled';
    return this.change(runId, { to: 'queued', may, why: 'wanted after all' }, asker, (tx) =>
      tx.query(
        `update lab_test_run set state = 'queued', finished_at = null, started_at = null, cancelled_why = '' where id = $1`,
        [runId],
      ),
    );
  }

  /**
   * Has a judged run done again, as soon as machines wait for its patch and its golden is there. Its verdict counts until the next
   * one says something. @returns false when there is no such run @throws RunNotChangeable
   */
  repeat(runId: string, asker: Asker): Promise<boolean> {
    const may = (state: TestRunState): boolean => state === 'judged';
    return this.change(runId, { to: 'judged', may, why: 'wanted once more' }, asker, (tx) =>
      tx.query('update lab_test_run set repeat_asked_at = $2 where id = $1', [runId, this.clock()]),
    );
  }

  private change(
    runId: string,
    { to, may, why }: { to: keyof typeof ACTIONS; may(state: TestRunState): boolean; why: string },
    asker: Asker,
    work: (tx: Tx) => Promise<unknown>,
  ): Promise<boolean> {
    return this.database.transaction(shared, async (tx) => {
      const [run] = await tx.query<{ state: TestRunState }>('select state from lab_test_run where id = $1 for update', [
        runId,
      ]);
      if (run === undefined) return false;
      if (!may(run.state)) throw new RunNotChangeable(runId, run.state, to);
      await work(tx);
      await forgetOutput(tx, [runId]);
      audit(tx, {
        tenantId: null,
        at: this.clock(),
        actor: asker.actor,
        action: ACTIONS[to],
        subject: `run:${runId}`,
        why,
        ...(asker.from === undefined ? {} : { from: asker.from }),
        before: { state: run.state },
        after: { state: to },
      });
      const topic = to === 'queued' ? 'lab.run-queued' : 'lab.run-progressed';
      await publish(tx, { topic, payload: { runId }, correlationId: asker.correlationId });
      return true;
    });
  }
}
