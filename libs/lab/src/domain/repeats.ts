import type { Artefact, RunFailure, RunObservations } from '@vouch/contracts';
import { patchFaults } from './patch-faults.js';

/**
 * Machines and the hosts under them get lost for reasons of their own. That one was lost, or did not come to its end in
 * time, after a patch was installed counts when it was seen twice, and does not happen without the patch.
 */
export const wantsConfirmation = (failure: RunFailure | null): boolean =>
  failure?.blame === 'patch' &&
  (failure.code === 'machine-lost' || (failure.code === 'time-limit' && failure.step !== 'apply'));

/**
 * Why a failure that was seen is not taken for one: the same run, done again, came to another end. Nothing, when each
 * repetition failed too, or when there was none.
 */
export function doubtsOfRepeats(
  { repeats = [], control, plan, failure }: RunObservations,
  artefacts: readonly Artefact[],
): string[] {
  if (wantsConfirmation(failure) && (repeats.length === 0 || control === undefined))
    return [`It was seen once only, or perhaps happens without the update too: ${failure?.message ?? ''}`];
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
