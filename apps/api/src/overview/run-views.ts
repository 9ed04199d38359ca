import type { PlanStep, RunView, StepObservation, TestPlan } from '@vouch/contracts';
import type { Tx } from '@vouch/platform';

interface RunRow {
  id: string;
  state: RunView['state'];
  attempt: number;
  driver: string | null;
  profile: string;
  golden_digest: string;
  plan: TestPlan;
  queued_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
}

interface StepRow {
  run_id: string;
  attempt: number;
  step: PlanStep;
  started_at: Date;
  observation: StepObservation | null;
}

/** Runs as people watch them: every step of the plan, with what is known of it so far. By run id. */
export async function loadRunViews(tx: Tx, runIds: readonly string[]): Promise<Map<string, RunView>> {
  const runs = await tx.query<RunRow>(
    `select r.id, r.state, r.attempt, r.observations->>'driver' as driver, p.title as profile, r.golden_digest, r.plan,
            r.queued_at, r.started_at, r.finished_at
       from lab_test_run r join lab_profile p on p.digest = r.profile_digest where r.id = any ($1::uuid[])`,
    [runIds],
  );
  const steps = await tx.query<StepRow>(
    `select s.run_id, s.attempt, s.step, s.started_at, s.observation
       from lab_test_step s join lab_test_run r on r.id = s.run_id and r.attempt = s.attempt where s.run_id = any ($1::uuid[])`,
    [runIds],
  );
  return new Map(
    runs.map((run) => [
      run.id,
      viewOf(
        run,
        steps.filter((step) => step.run_id === run.id),
      ),
    ]),
  );
}

function viewOf(run: RunRow, seen: readonly StepRow[]): RunView {
  return {
    id: run.id,
    state: run.state,
    attempt: run.attempt,
    driver: run.driver,
    profile: run.profile,
    goldenDigest: run.golden_digest,
    queuedAt: run.queued_at.toISOString(),
    startedAt: run.started_at?.toISOString() ?? null,
    finishedAt: run.finished_at?.toISOString() ?? null,
    steps: run.plan.steps.map((step) => {
      const row = seen.find((candidate) => candidate.step === step);
      const observation = row?.observation ?? null;
      return {
        step,
        state: observation ? (observation.ok ? 'ok' : 'red') : row ? 'running' : 'waiting',
        startedAt: row?.started_at.toISOString() ?? null,
        durationMs: observation?.durationMs ?? null,
        detail: observation?.detail ?? '',
        probes: observation?.probes ?? [],
      };
    }),
  };
}
