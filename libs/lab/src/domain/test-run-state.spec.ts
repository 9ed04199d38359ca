import { describe, expect, it } from 'vitest';
import { canTransition, isFinal, TEST_RUN_TRANSITIONS, type TestRunState } from './test-run-state.js';

const states = Object.keys(TEST_RUN_TRANSITIONS) as TestRunState[];

describe('the life of a test run', () => {
  it.each<[TestRunState, TestRunState, boolean]>([
    ['queued', 'leased', true],
    ['leased', 'queued', true],
    ['running', 'queued', true],
    ['queued', 'running', false],
    ['queued', 'judged', false],
    ['reported', 'queued', false],
    ['reported', 'cancelled', false],
    ['judged', 'reported', false],
    ['judged', 'cancelled', false],
    ['cancelled', 'queued', true],
  ])('%s to %s: %s', (from, to, allowed) => {
    expect(canTransition(from, to)).toBe(allowed);
  });

  it('ends in a verdict, and can reach one from everywhere', () => {
    expect(states.filter(isFinal)).toEqual(['judged']);
    for (const start of states) {
      const reached = new Set([start]);
      for (const from of reached) states.filter((to) => canTransition(from, to)).forEach((to) => reached.add(to));
      expect([...reached].some(isFinal)).toBe(true);
    }
  });

  it('gives a verdict only on what was reported', () => {
    expect(states.filter((from) => canTransition(from, 'judged'))).toEqual(['reported']);
  });
});
