import type { Role } from './permissions.js';

/** Whether a session has proved what it must: `needed` and `enrolment-needed` may do nothing but that. */
export type SecondFactorState = 'done' | 'needed' | 'enrolment-needed';

/** Whoever can touch machines of others, or everything, signs in with two factors. */
export const NEEDS_SECOND_FACTOR: ReadonlySet<Role> = new Set<Role>(['operator', 'msp-owner', 'technician']);

/**
 * @param hasFactor whether the account has a confirmed second factor
 * @param proved whether this session proved one, or an identity provider vouches for it
 */
export function secondFactorState(role: Role, hasFactor: boolean, proved: boolean): SecondFactorState {
  if (proved) return 'done';
  if (hasFactor) return 'needed';
  return NEEDS_SECOND_FACTOR.has(role) ? 'enrolment-needed' : 'done';
}

/** How long a step-up lasts. */
export const STEP_UP_MS = 10 * 60_000;

export function isSteppedUp(steppedUpAt: Date | null, now: Date): boolean {
  return steppedUpAt !== null && now.getTime() - steppedUpAt.getTime() < STEP_UP_MS;
}
