import { patchFaults } from '../domain/patch-faults.js';
import type { LabRun } from '../lab-driver.port.js';
import type { RunResult } from './run-plan.js';

/**
 * Runs a test, and does it once more when the patch seems to be to blame: what fails twice on two fresh machines is
 * broken, what fails once is flaky. The verdict weighs both; the repetition is part of the evidence.
 * @param test does the whole run; called once or twice
 */
export async function repeatFailedRun(test: (run: LabRun) => Promise<RunResult>, run: LabRun): Promise<RunResult> {
  const first = await test(run);
  if (!isWorthRepeating(first, run)) return first;
  // People watch the first run; its steps would otherwise begin anew before their eyes.
  run.onOutput?.('restore', '\nThe patch seems to be to blame: all of it once more, on a fresh machine.\n');
  const again = await test({ ...run, onProgress: () => undefined });
  const { steps, packageDiff, failure, labMilliseconds } = again.observations;
  return {
    observations: {
      ...first.observations,
      labMilliseconds: first.observations.labMilliseconds + labMilliseconds,
      repeats: [{ steps, packageDiff, failure }],
    },
    evidence: [...first.evidence, ...again.evidence.map((file) => ({ ...file, name: `repeat-1/${file.name}` }))],
  };
}

/** The bytes of a file that is no package will not change, and what the lab could not do says nothing. */
function isWorthRepeating({ observations }: RunResult, { job }: LabRun): boolean {
  if (observations.failure?.blame === 'lab' || observations.failure?.code === 'artefact-not-a-package') return false;
  return patchFaults(observations, job.artefacts).faults.length > 0;
}
