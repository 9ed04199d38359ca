const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Pauses after the first, second, ... failed attempt: about three days in all. */
export const PAUSES_MS: readonly number[] = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  24 * HOUR,
  24 * HOUR,
];
export const TRIES = PAUSES_MS.length + 1;
/** An endpoint that answered nothing for so long is disabled. */
export const LONGEST_FAILURE_MS = 72 * HOUR;
const JITTER = 0.2;

/**
 * When to try again after a failure; null when all tries are used.
 *
 * @param triesLeft after this failure
 * @param chance from 0 to 1: spreads many messages that failed at once
 */
export function nextTry(triesLeft: number, at: Date, chance: number): Date | null {
  const pause = PAUSES_MS[TRIES - 1 - triesLeft];
  if (triesLeft <= 0 || pause === undefined) return null;
  return new Date(at.getTime() + Math.round(pause * (1 + JITTER * chance)));
}

/** Why an endpoint is given up, in a sentence; null while there is hope. */
export function givenUp(failingSince: Date, at: Date, lastProblem: string): string | null {
  if (at.getTime() - failingSince.getTime() < LONGEST_FAILURE_MS) return null;
  return `No message was taken since ${failingSince.toISOString()}. The last problem: ${lastProblem}`;
}
