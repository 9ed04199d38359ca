import { describe, expect, it } from 'vitest';
import { IndexExpired, IndexNotYetValid, IndexRolledBack } from './errors.js';
import { checkFreshness } from './freshness.js';

const at = (day: number): Date => new Date(Date.UTC(2026, 10, day));

describe('the freshness of an index (I7)', () => {
  it('is given between its date and its end, from the last accepted date on', () => {
    expect(() => checkFreshness({ date: at(21), validUntil: at(28) }, at(21), at(23))).not.toThrow();
    expect(() => checkFreshness({ date: at(1), validUntil: null }, null, at(23))).not.toThrow();
  });

  it.each([
    ['at its very end', { date: at(21), validUntil: at(28) }, null, at(28), IndexExpired],
    ['older than one that was accepted', { date: at(20), validUntil: at(28) }, at(21), at(23), IndexRolledBack],
    ['of a time to come', { date: at(25), validUntil: at(28) }, null, at(23), IndexNotYetValid],
  ])('is gone when it is %s', (_, release, lastAccepted, now, error) => {
    expect(() => checkFreshness(release, lastAccepted, now)).toThrow(error);
  });

  it('forgives a clock that is a little behind', () => {
    const date = new Date(at(23).getTime() + 60_000);
    expect(() => checkFreshness({ date, validUntil: null }, null, at(23))).not.toThrow();
  });
});
