import type { Artefact, RunFailure, RunObservations } from '@vouch/contracts';
import type { TestRunState } from './test-run-state.js';
import { lackingCapabilities } from './capabilities.js';
import { patchFaults } from './patch-faults.js';
import { doubtsOfRepeats } from './repeats.js';

/** Why a test is done: machines wait for the patch, its verdict comes to its end, or an operator asked for it again. */
export type RunCause = 'demand' | 'expired' | 'operator';

/** The newest generation of a test of the same revision on the same golden by the same plan. */
export interface EarlierRun {
  readonly state: TestRunState;
  readonly generation: number;
  readonly labRepeats: number;
  readonly cause: RunCause;
  /** The lab itself called it off, since nobody had its golden any more. */
  readonly goldenGone: boolean;
  /** Of its verdict; null without one. */
  readonly result: 'pass' | 'fail' | 'inconclusive' | null;
  readonly repeatAt: Date | null;
  /** An operator wants it once more. */
  readonly asked: boolean;
}

export type NextRun =
  /** What there is answers it, or will. */
  | { readonly kind: 'join' }
  /** It never began, and can now. */
  | { readonly kind: 'requeue' }
  | {
      readonly kind: 'new';
      readonly generation: number;
      readonly labRepeats: number;
      readonly cause: RunCause;
    };

/** What becomes of demand for a test (I3): it joins the newest generation, or makes the next one when that is due. */
export function nextRun(newest: EarlierRun | undefined, now: Date): NextRun {
  if (newest === undefined) return { kind: 'new', generation: 1, labRepeats: 0, cause: 'demand' };
  const { state, generation, labRepeats, cause, goldenGone, result, repeatAt, asked } = newest;
  if (state === 'cancelled' && goldenGone) return { kind: 'requeue' };
  if (state !== 'judged') return { kind: 'join' };
  if (asked) {
    // One without a result was never paid, and what follows it is what whoever wanted it pays.
    return {
      kind: 'new',
      generation: generation + 1,
      labRepeats: 0,
      cause: result === 'inconclusive' ? cause : 'operator',
    };
  }
  if (repeatAt === null || repeatAt > now) return { kind: 'join' };
  return result === 'inconclusive'
    ? { kind: 'new', generation: generation + 1, labRepeats: labRepeats + 1, cause }
    : { kind: 'new', generation: generation + 1, labRepeats: 0, cause: 'expired' };
}

/** An inconclusive test that was the lab's fault is done again after 10 minutes, then ever later, and so often at most. */
export const LAB_REPEATS = 5;
const FIRST_REPEAT_MS = 600_000;
const LATER_BY = 4;
/** A flaky one once: what fails now and then would pass if it were only tested often enough. */
export const FLAKY_REPEATS = 1;

/**
 * From when on a patch that machines still wait for is tested again, for all that this verdict says.
 * A pass: when a tenth of its time is left, so that the next one is there in time. A fail: never by itself, the same bytes on the
 * same golden fail again.
 */
export function repeatAt(
  result: 'pass' | 'fail' | 'inconclusive',
  fault: 'lab' | 'flaky' | null,
  labRepeats: number,
  issuedAt: Date,
  expiresAt: Date,
): Date | null {
  if (result === 'pass') return new Date(expiresAt.getTime() - (expiresAt.getTime() - issuedAt.getTime()) / 10);
  if (result === 'fail' || fault === null) return null;
  if (labRepeats >= (fault === 'lab' ? LAB_REPEATS : FLAKY_REPEATS)) return null;
  return new Date(issuedAt.getTime() + FIRST_REPEAT_MS * LATER_BY ** labRepeats);
}

/** Codes of the lab's failures that a repetition would find again. */
const LASTING: readonly RunFailure['code'][] = ['dependency-missing', 'cannot-exercise'];

/** What an inconclusive run is to be blamed on; null when a repetition would say the same. */
export function faultOf(observations: RunObservations | null, artefacts: readonly Artefact[]): 'lab' | 'flaky' | null {
  if (observations === null) return 'lab';
  const { failure } = observations;
  if (lackingCapabilities(observations, artefacts).length > 0) return null;
  if (failure?.blame === 'lab') return LASTING.includes(failure.code) ? null : 'lab';
  const { faults, alsoWithout } = patchFaults(observations, artefacts);
  if (alsoWithout.length > 0) return null;
  return faults.length > 0 && doubtsOfRepeats(observations, artefacts).length > 0 ? 'flaky' : 'lab';
}
