import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { permissions, reachOf, roles, type Action } from './permissions.js';
import { isSteppedUp, NEEDS_SECOND_FACTOR, secondFactorState, STEP_UP_MS } from './second-factor.js';

describe('the second factor', () => {
  it('is asked for of whoever has one, and of whoever must have one', () => {
    for (const role of roles) {
      expect(secondFactorState(role, true, true)).toBe('done');
      expect(secondFactorState(role, true, false)).toBe('needed');
      expect(secondFactorState(role, false, false)).toBe(NEEDS_SECOND_FACTOR.has(role) ? 'enrolment-needed' : 'done');
    }
  });

  it('is a must for every role that changes something beyond its own tenant', () => {
    const reads = (action: string): boolean => action.endsWith(':read');
    for (const role of roles)
      for (const action of Object.keys(permissions) as Action[])
        if (!reads(action) && ['msp', 'all'].includes(reachOf(role, action)))
          expect(NEEDS_SECOND_FACTOR.has(role), `${role} may ${action}`).toBe(true);
  });
});

describe('a step-up', () => {
  it('lasts ten minutes, and none is as good as an old one', () => {
    const at = new Date('2026-01-01T00:00:00Z');
    expect(isSteppedUp(null, at)).toBe(false);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 * STEP_UP_MS }), (ms) => {
        expect(isSteppedUp(at, new Date(at.getTime() + ms))).toBe(ms < 600_000);
      }),
    );
  });
});
