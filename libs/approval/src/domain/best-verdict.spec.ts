import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestVerdict, type MeasuredVerdict } from './best-verdict.js';

const now = new Date('2026-03-01T00:00:00Z');
const day = (days: number): Date => new Date(now.getTime() + days * 86_400_000);
const verdict = (id: string, facts: Partial<MeasuredVerdict> & { score?: number } = {}): MeasuredVerdict => {
  const { score = 0.9, ...rest } = facts;
  return {
    id,
    goldenDigest: id,
    result: 'pass',
    sentence: id,
    fidelity: 'full',
    issuedAt: day(-1),
    expiresAt: day(29),
    reversible: true,
    coverage: { score, notCovered: [] },
    ...rest,
  };
};
const old = { issuedAt: day(-40), expiresAt: day(-10) };

describe('bestVerdict', () => {
  it.each<[string, MeasuredVerdict[], string | null]>([
    ['nothing when there is none', [], null],
    ['nothing when none is near', [verdict('far', { score: 0 })], null],
    ['the nearest of several', [verdict('far', { score: 0.5 }), verdict('near')], 'near'],
    ['a fail, although a pass is nearer', [verdict('pass'), verdict('fail', { result: 'fail', score: 0.4 })], 'fail'],
    [
      'a pass that holds, although one that has ended is nearer',
      [verdict('ended', old), verdict('far', { score: 0.5 })],
      'far',
    ],
    [
      'a doubt of now rather than a pass of then',
      [verdict('ended', old), verdict('doubt', { result: 'inconclusive' })],
      'doubt',
    ],
    ['a fail for ever', [verdict('fail', { ...old, result: 'fail' }), verdict('pass')], 'fail'],
    [
      'the newer of two on the same golden, when a fail was tested again',
      [verdict('1', { goldenDigest: 'g', result: 'fail', issuedAt: day(-2) }), verdict('2', { goldenDigest: 'g' })],
      '2',
    ],
    [
      'the newer of two passes on the same golden',
      [verdict('1', { goldenDigest: 'g', issuedAt: day(-27), expiresAt: day(3) }), verdict('2', { goldenDigest: 'g' })],
      '2',
    ],
    [
      'a pass that holds, when its repetition came to nothing',
      [
        verdict('1', { goldenDigest: 'g', issuedAt: day(-27), expiresAt: day(3) }),
        verdict('2', { goldenDigest: 'g', result: 'inconclusive' }),
      ],
      '1',
    ],
  ])('is %s', (_what, verdicts, id) => {
    expect(bestVerdict(verdicts, now)?.id ?? null).toBe(id);
    expect(bestVerdict([...verdicts].reverse(), now)?.id ?? null).toBe(id);
  });

  it('never is a pass that has ended while one that holds is near, nor a pass while a fail on another golden is', () => {
    const any = fc.record({
      result: fc.constantFrom('pass' as const, 'fail' as const, 'inconclusive' as const),
      score: fc.constantFrom(0, 0.3, 0.6, 1),
      expiresAt: fc.integer({ min: -5, max: 5 }).map(day),
      issuedAt: fc.integer({ min: -40, max: -1 }).map(day),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 6 }), (many) => {
        const verdicts = many.map((facts, n) => verdict(String(n), facts));
        const near = verdicts.filter(({ coverage }) => coverage.score > 0);
        const best = bestVerdict(verdicts, now);
        if (near.some(({ result }) => result === 'fail')) return best?.result === 'fail';
        const holds = near.some(({ result, expiresAt }) => result === 'pass' && expiresAt > now);
        return !holds || (best?.result === 'pass' && best.expiresAt > now);
      }),
    );
  });
});
