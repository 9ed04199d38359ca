import type { RunObservations } from '@vouch/contracts';
import type { Clock } from '@vouch/platform';
import { RunAborted, type EvidenceFile, type LabDriver, type LabRun } from '../lab-driver.port.js';
import { PlanRun } from './plan-run.js';
import { PLAN_LIMITS, type PlanLimits } from './plan-limits.js';
import { RunRecorder } from './run-recorder.js';

/**
 * Runs a job's plan in a machine of a driver. Whatever goes wrong on the way is an observation, not an error.
 * @throws RunAborted when the run's signal aborts
 */
export async function runPlan(
  driver: LabDriver,
  run: LabRun,
  clock: Clock,
  limits: PlanLimits = PLAN_LIMITS,
): Promise<{ readonly observations: RunObservations; readonly evidence: readonly EvidenceFile[] }> {
  const begun = performance.now();
  const recorder = new RunRecorder(run, clock);
  const golden = await driver.find(run.job.goldenDigest);
  const test = new PlanRun(driver, golden, run, limits);
  try {
    for (const step of run.job.plan.steps) {
      if (recorder.failure === null || step === 'collect') await recorder.step(step, () => test.perform(step));
      if (run.signal.aborted) throw new RunAborted(run.job.runId);
    }
  } finally {
    await test.discard();
  }
  recorder.keep('packages.json', 'application/json', JSON.stringify(test.packageChanges, null, 1));
  recorder.keep('files.json', 'application/json', JSON.stringify(test.fileChanges, null, 1));
  return {
    observations: {
      driver: driver.name,
      fidelity: driver.fidelity,
      capabilities: [...driver.capabilities],
      goldenDigest: golden?.digest ?? run.job.goldenDigest,
      plan: run.job.plan,
      tested: test.tested,
      steps: recorder.steps,
      packageDiff: test.packageChanges,
      fileDiff: test.fileChanges,
      failure: recorder.failure,
      labMilliseconds: Math.round(performance.now() - begun),
    },
    evidence: recorder.evidence,
  };
}
