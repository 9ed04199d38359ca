import type { StepObservation } from '@vouch/contracts';
import { describe, expect, it } from 'vitest';
import { disagreements, testResultOf } from './test-result.js';

const lab = { goldenDigest: 'a'.repeat(64), planDigest: 'b'.repeat(64) };
const step = (name: StepObservation['step'], ok: boolean, ...checks: [string, boolean][]) => ({
  step: name,
  ok,
  probes: checks.map(([check, good]) => ({ name: check, ok: good, detail: '', durationMs: 1 })),
});

describe("a verdict in in-toto's words", () => {
  it.each([
    ['pass', [], 'PASSED'],
    ['pass', ['It cannot be taken back.'], 'WARNED'],
    ['fail', [], 'FAILED'],
    ['inconclusive', [], 'FAILED'],
    ['inconclusive', ['It cannot be taken back.'], 'FAILED'],
  ] as const)('%s, with cautions %j, is %s', (result, cautions, said) => {
    const facts = { result, cautions, lab, steps: [step('apply', true)] };
    expect(testResultOf(facts).result).toBe(said);
    expect(disagreements(testResultOf(facts), facts)).toEqual([]);
  });

  it('names each step and each check, and what is only a caution', () => {
    const steps = [
      step('apply', true),
      step('probe-after-apply', false, ['web answers', false], ['no new user', true]),
      step('probe-after-way-back', false, ['web answers', false]),
    ];
    expect(testResultOf({ result: 'fail', cautions: [], lab, steps })).toMatchObject({
      passedTests: ['apply', 'probe-after-apply: no new user'],
      warnedTests: ['probe-after-way-back', 'probe-after-way-back: web answers'],
      failedTests: ['probe-after-apply', 'probe-after-apply: web answers'],
    });
  });
});
