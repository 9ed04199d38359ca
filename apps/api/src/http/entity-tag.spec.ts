import { describe, expect, it } from 'vitest';
import { ChangedMeanwhile, ConditionNeeded, versionOf, versionTag } from './entity-tag.js';

describe('versionOf', () => {
  it('reads what versionTag wrote', () => {
    for (const version of [1, 42, 999_999_999]) expect(versionOf(versionTag(version), 'thing')).toBe(version);
  });

  it('wants a condition, and only one of ours', () => {
    expect(() => versionOf(undefined, 'thing')).toThrow(ConditionNeeded);
    for (const tag of ['*', 'v1', 'W/"v1"', '"v0"', '"v1", "v2"', '"v99999999999"'])
      expect(() => versionOf(tag, 'thing'), tag).toThrow(ChangedMeanwhile);
  });
});
