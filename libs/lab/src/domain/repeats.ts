import type { Artefact, RunObservations } from '@vouch/contracts';
import { patchFaults } from './patch-faults.js';

/**
 * Why a failure that was seen is not taken for one: the same run, done again, came to another end. Nothing, when each
 * repetition failed too, or when there was none.
 */
export function doubtsOfRepeats(
  { repeats = [], control, plan }: RunObservations,
  artefacts: readonly Artefact[],
): string[] {
  return repeats.flatMap((repeat) => {
    if (repeat.failure?.blame === 'lab')
      return [`The failure could not be confirmed: when the test was done again, ${repeat.failure.message}`];
    const { faults } = patchFaults({ ...repeat, ...(control === undefined ? {} : { control }) }, artefacts);
    const complete = plan.steps.every((name) => repeat.steps.some(({ step }) => step === name));
    if (faults.length > 0) return [];
    return complete
      ? ['It is flaky: the same test failed once and passed once, so that one of both was chance.']
      : ['The failure could not be confirmed: when the test was done again, it did not come to its end.'];
  });
}
