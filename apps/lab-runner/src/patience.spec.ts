import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiRefused, ApiUnreachable } from './lab-api.js';
import { untilReachable, waitMs } from './patience.js';

describe('waitMs', () => {
  it('grows up to half a minute and is spread', () => {
    expect([0, 1, 2, 20].map((attempt) => waitMs(attempt, 1))).toEqual([500, 1000, 2000, 30_000]);
    fc.assert(
      fc.property(fc.nat(1000), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
        expect(waitMs(attempt, random)).toBeGreaterThanOrEqual(250);
        expect(waitMs(attempt, random)).toBeLessThanOrEqual(30_000);
      }),
    );
  });
});

describe('untilReachable', () => {
  const failing = (times: number, error: Error) => {
    let calls = 0;
    return async () => {
      if (calls++ < times) throw error;
      return calls;
    };
  };

  it('tries again as long as nobody answers', async () => {
    const told: string[] = [];
    const work = failing(1, new ApiUnreachable('no route'));
    const done = await untilReachable(work, new AbortController().signal, (error) => told.push(error.message));
    expect(done).toBe(2);
    expect(told).toEqual([expect.stringContaining('no route')]);
  });

  it('takes no for an answer', async () => {
    const work = failing(1, new ApiRefused(401, 'who are you'));
    await expect(untilReachable(work, new AbortController().signal)).rejects.toThrow(ApiRefused);
  });

  it('gives up when it is stopped', async () => {
    const work = failing(9, new ApiUnreachable('no route'));
    await expect(untilReachable(work, AbortSignal.timeout(50))).rejects.toThrow(ApiUnreachable);
  });
});
