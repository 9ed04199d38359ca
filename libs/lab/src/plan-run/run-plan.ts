import type { RunObservations } from '@vouch/contracts';
import type { Clock } from '@vouch/platform';
import { wantsConfirmation } from '../domain/repeats.js';
import { WAY_BACK_UNTESTED } from '../domain/way-back.js';
import { RunAborted, type EvidenceFile, type LabDriver, type LabRun } from '../lab-driver.port.js';
import { beforeAbort } from './before-abort.js';
import { ControlFailed, type Control, type ControlRuns } from './control-runs.js';
import { PlanRun } from './plan-run.js';
import { PLAN_LIMITS, type PlanLimits } from './plan-limits.js';
import { RunRecorder } from './run-recorder.js';

/** What a run saw, and the files that prove it. */
export interface RunResult {
  readonly observations: RunObservations;
  readonly evidence: readonly EvidenceFile[];
}

/**
 * Runs a job's plan in a machine of a driver. Whatever goes wrong on the way is an observation, not an error.
 *
 * The control run, where none is kept yet, goes on beside it, so that the first patch on a golden need not wait for it
 * from the start; the run waits for it only when it has found something.
 * @param controls absent: nothing is known of what changes by itself
 * @throws RunAborted when the run's signal aborts
 */
export async function runPlan(
  driver: LabDriver,
  run: LabRun,
  clock: Clock,
  limits: PlanLimits = PLAN_LIMITS,
  controls?: ControlRuns,
): Promise<RunResult> {
  const begun = performance.now();
  const recorder = new RunRecorder(run, clock);
  const { job } = run;
  const golden = await driver.find(job.goldenDigest);
  const control = golden === null ? undefined : controls?.of(driver, golden, job.plan, limits);
  control?.catch(() => undefined);
  let used: Control | undefined;
  let waitedMs = 0;
  const wait = async () => {
    const since = performance.now();
    if (control !== undefined) used = await beforeAbort(control, run.signal);
    waitedMs += performance.now() - since;
    return used?.record ?? NO_CONTROL;
  };
  const errand = {
    name: `run-${job.runId}-${job.attempt}`,
    plan: job.plan,
    artefacts: job.artefacts,
    files: run.artefactFiles,
    onOutput: recorder.hear.bind(recorder),
  };
  const test = new PlanRun(driver, golden, errand, limits, run.signal, wait);
  try {
    for (const step of job.plan.steps) {
      if (recorder.failure === null || step === 'collect') await recorder.step(step, () => test.perform(step));
      if (run.signal.aborted) throw new RunAborted(job.runId);
    }
  } finally {
    await test.discard();
  }
  // Whether the machine is lost without the patch too.
  const { failure } = recorder;
  if (failure !== null && wantsConfirmation(failure))
    await wait().catch((error: unknown) => {
      if (run.signal.aborted) throw new RunAborted(job.runId);
      if (!(error instanceof ControlFailed)) throw error;
      recorder.failure = { step: failure.step, blame: 'lab', code: error.code, message: error.message };
    });
  // Files that vanish under a machine make everything fail, and would look like the patch's doing.
  if (golden !== null && (await driver.find(job.goldenDigest)) === null) recorder.failure = goldenVanished(recorder);
  const labMilliseconds = Math.round(performance.now() - begun - waitedMs);
  recorder.keep('packages.json', 'application/json', JSON.stringify(test.packageChanges, null, 1));
  recorder.keep('files.json', 'application/json', JSON.stringify(test.fileChanges, null, 1));
  recorder.keep('changes.json', 'application/json', JSON.stringify(Object.fromEntries(test.changes), null, 1));
  const findings = [...test.findings].map(([step, found]) => [step, Object.fromEntries(found)]);
  recorder.keep('findings.json', 'application/json', JSON.stringify(Object.fromEntries(findings), null, 1));
  if (used !== undefined) recorder.keep('control.json', 'application/json', used.text);
  const unmeasured = [
    ...(driver.unmeasured ?? []),
    ...test.unmeasured,
    ...(test.wentBack ? [] : [WAY_BACK_UNTESTED]),
    ...(controls === undefined ? ['what changes on such a machine without the patch'] : []),
  ];
  return {
    observations: {
      driver: driver.name,
      fidelity: driver.fidelity,
      capabilities: [...driver.capabilities],
      goldenDigest: golden?.digest ?? job.goldenDigest,
      plan: job.plan,
      tested: test.tested,
      steps: recorder.steps,
      packageDiff: test.packageChanges,
      fileDiff: test.fileChanges,
      failure: recorder.failure,
      labMilliseconds,
      unmeasured,
      ...(used === undefined ? {} : { control: { sha256: used.sha256, red: used.record.red, ignored: test.ignored } }),
    },
    evidence: recorder.evidence,
  };
}

const NO_CONTROL: Control['record'] = { key: '', madeAt: '', findings: {}, red: [] };

const goldenVanished = ({ steps }: RunRecorder): RunObservations['failure'] => ({
  step: steps.at(-1)?.step ?? 'restore',
  blame: 'lab',
  code: 'golden-missing',
  message: 'The golden was removed while the test went on.',
});
