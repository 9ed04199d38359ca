import type { Artefact, RunObservations } from '@vouch/contracts';
import { describe, expect, it } from 'vitest';
import { DEBIAN_UPGRADE } from './plan.js';
import { unobserved } from './verdict.js';
import { faultOf, FLAKY_REPEATS, LAB_REPEATS, nextRun, repeatAt, type EarlierRun } from './test-again.js';

const now = new Date('2026-03-01T00:00:00Z');
const after = (minutes: number): Date => new Date(now.getTime() + minutes * 60_000);
const judged: EarlierRun = {
  state: 'judged',
  generation: 2,
  labRepeats: 1,
  cause: 'expired',
  goldenGone: false,
  result: 'pass',
  repeatAt: now,
  asked: false,
};
const join = { kind: 'join' };

describe('demand for a test', () => {
  it.each<[string, EarlierRun | undefined, ReturnType<typeof nextRun>]>([
    ['makes the first', undefined, { kind: 'new', generation: 1, labRepeats: 0, cause: 'demand' }],
    ['joins one that waits', { ...judged, state: 'queued', result: null, repeatAt: null }, { kind: 'join' }],
    ['joins one whose verdict still counts', { ...judged, repeatAt: after(1) }, { kind: 'join' }],
    ['joins one that says the same for ever', { ...judged, result: 'fail', repeatAt: null }, { kind: 'join' }],
    ['joins one that an operator called off', { ...judged, state: 'cancelled', result: null }, { kind: 'join' }],
    ['queues again what the lab called off', { ...judged, state: 'cancelled', goldenGone: true }, { kind: 'requeue' }],
    ['makes the next when a pass ends', judged, { kind: 'new', generation: 3, labRepeats: 0, cause: 'expired' }],
    [
      "makes the next when an operator asks, also of a fail, at the operator's own cost",
      { ...judged, result: 'fail', repeatAt: null, asked: true },
      { kind: 'new', generation: 3, labRepeats: 0, cause: 'operator' },
    ],
    [
      'makes the next when an operator asks, at the cost of who wanted it, when nobody has paid for one yet',
      { ...judged, result: 'inconclusive', repeatAt: null, asked: true },
      { kind: 'new', generation: 3, labRepeats: 0, cause: 'expired' },
    ],
    [
      'makes the next, for the same cause, when the lab was to blame',
      { ...judged, result: 'inconclusive' },
      { kind: 'new', generation: 3, labRepeats: 2, cause: 'expired' },
    ],
  ])('%s', (_what, newest, next) => {
    expect(nextRun(newest, now)).toEqual(next);
  });

  it('never makes two of a run that has not ended', () => {
    for (const state of ['queued', 'leased', 'running', 'reported'] as const)
      expect(nextRun({ ...judged, state, asked: true }, now)).toEqual(join);
  });
});

describe('a test is due again', () => {
  const month = after(30 * 24 * 60);
  it('when a tenth of the time of a pass is left', () => {
    expect(repeatAt('pass', null, 0, now, month)).toEqual(after(27 * 24 * 60));
  });
  it('never after a fail, nor when the same would be found', () => {
    expect(repeatAt('fail', null, 0, now, month)).toBeNull();
    expect(repeatAt('inconclusive', null, 0, now, month)).toBeNull();
  });
  it('ever later when the lab was to blame, and a limited number of times; a flaky one once', () => {
    const due = (fault: 'lab' | 'flaky', many: number) =>
      Array.from({ length: many }, (_, n) => repeatAt('inconclusive', fault, n, now, month));
    expect(due('lab', LAB_REPEATS + 1)).toEqual([...[10, 40, 160, 640, 2560].map(after), null]);
    expect(due('flaky', FLAKY_REPEATS + 1)).toEqual([after(10), null]);
  });
});

describe('what an inconclusive run is to be blamed on', () => {
  const artefact: Artefact = {
    package: 'web',
    version: '2',
    architecture: 'amd64',
    fileName: 'web.deb',
    sizeBytes: 1,
    sha256: 'a'.repeat(64),
  };
  const capable = { capabilities: ['packages', 'services', 'reboot'] as RunObservations['capabilities'] };
  const seen: RunObservations = { ...unobserved('b'.repeat(64), DEBIAN_UPGRADE), ...capable, failure: null };
  const failed = (blame: 'lab' | 'patch', code: NonNullable<RunObservations['failure']>['code']) => ({
    ...seen,
    failure: { step: 'apply' as const, blame, code, message: 'It did not work.' },
  });
  const { steps: _steps, ...flakyRepeat } = failed('patch', 'apply-failed');
  const passed = { steps: [], packageDiff: [{ package: 'web', from: '1', to: '2' }], failure: null };
  it.each<[string, RunObservations | null, ReturnType<typeof faultOf>]>([
    ['the lab, when nobody ever answered', null, 'lab'],
    ['the lab, when it said so', failed('lab', 'golden-missing'), 'lab'],
    ['nothing that passes, when a dependency is missing', failed('lab', 'dependency-missing'), null],
    ['nothing that passes, when this kind of lab cannot exercise it', { ...seen, capabilities: ['packages'] }, null],
    [
      'chance, when it failed once and then did not',
      { ...flakyRepeat, steps: [], repeats: [passed] } as never,
      'flaky',
    ],
  ])('is %s', (_what, observations, fault) => {
    expect(faultOf(observations, [artefact])).toBe(fault);
  });
});
