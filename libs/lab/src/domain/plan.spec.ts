import { describe, expect, it } from 'vitest';
import { DEBIAN_UPGRADE, planDigest } from './plan.js';

describe('planDigest', () => {
  it('changes with the steps, not with the order of the fields', () => {
    const { name, steps } = DEBIAN_UPGRADE;
    expect(planDigest({ steps, name })).toBe(planDigest(DEBIAN_UPGRADE));
    expect(planDigest({ name, steps: steps.filter((step) => step !== 'reboot') })).not.toBe(planDigest(DEBIAN_UPGRADE));
  });
});
