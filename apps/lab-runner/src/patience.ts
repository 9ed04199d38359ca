import { setTimeout as sleep } from 'node:timers/promises';
import { ApiUnreachable } from './lab-api.js';

/** Time before the n-th new attempt (from 0): doubles from half a second to half a minute, spread by up to a half. */
export function waitMs(attempt: number, random: number): number {
  return Math.min(30_000, 500 * 2 ** attempt) * (0.5 + random / 2);
}

/**
 * Does something until the API can be reached.
 * @param onFailure told before each new attempt
 * @throws whatever else goes wrong, and the last failure when the signal aborts
 */
export async function untilReachable<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  onFailure: (error: ApiUnreachable) => void = () => undefined,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ApiUnreachable) || signal.aborted) throw error;
      onFailure(error);
      await sleep(waitMs(attempt, Math.random()), undefined, { signal }).catch(() => undefined);
    }
  }
}
