import { describe, expect, it } from 'vitest';
import { findRange } from './id-range.js';

describe('findRange', () => {
  it.each([
    ['by name', 'bob:100000:65536', { first: 100_000, count: 65_536 }],
    ['by number', '1000:200000:65536', { first: 200_000, count: 65_536 }],
    ['the first of a larger range', 'bob:100000:131072', { first: 100_000, count: 65_536 }],
    ['past a range that is too small', 'bob:100000:100\nbob:300000:65536', { first: 300_000, count: 65_536 }],
    ['not another user’s', 'bobby:100000:65536', undefined],
    ['not in nonsense', 'bob:x:65536\nbob', undefined],
    ['not in nothing', '', undefined],
  ])('finds a user’s range %s', (_case, text, range) => {
    expect(findRange(text, 'bob', 1000)).toEqual(range);
  });
});
