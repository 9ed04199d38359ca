import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coverageOf, type Environment } from './coverage.js';
import { smallestPlan, type Candidate } from './smallest-plan.js';

const environment = (packages: string[], roles: string[]): Environment => ({
  roles,
  components: packages.map((name) => ({
    package: name,
    version: '1',
    architecture: 'amd64',
    source: name,
    sourceVersion: '1',
  })),
});
const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'));

describe('coverage', () => {
  it('is 1 for the same packages and services', () => {
    fc.assert(
      fc.property(names, names, (packages, roles) => {
        expect(coverageOf(environment(packages, roles), environment(packages, roles), packages).score).toBe(1);
      }),
    );
  });

  it('is 0, and says so, when a package of the patch was not in the lab', () => {
    const coverage = coverageOf(environment(['a'], ['web']), environment(['a', 'b'], ['web']), ['a', 'b']);
    expect(coverage.score).toBe(0);
    expect(coverage.notCovered[0]).toBe('Not in the lab, so not tested: b.');
  });

  it('stays between 0 and 1, and is only whole when nothing is left open', () => {
    fc.assert(
      fc.property(names, names, names, names, names, (labPackages, labRoles, packages, roles, patch) => {
        const { score, notCovered } = coverageOf(
          environment(labPackages, labRoles),
          environment(packages, roles),
          patch,
        );
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(1);
        if (score < 1) expect(notCovered.length + labPackages.length).toBeGreaterThan(0);
        if (notCovered.length > 0) expect(score).toBeLessThan(1);
      }),
    );
  });

  it('never grows when the machines run one more service that the lab does not', () => {
    fc.assert(
      fc.property(names, names, names, (packages, labRoles, roles) => {
        const lab = environment(packages, labRoles);
        const before = coverageOf(lab, environment(packages, roles), []).score;
        expect(coverageOf(lab, environment(packages, [...roles, 'unheard-of']), []).score).toBeLessThanOrEqual(before);
      }),
    );
  });
});

const candidates = fc
  .array(fc.uniqueArray(fc.constantFrom('c1', 'c2', 'c3', 'c4', 'c5')), { maxLength: 6 })
  .map((sets): Candidate[] =>
    sets.map((set, i) => ({
      goldenDigest: `g${i}`,
      covers: new Map(set.map((c) => [c, 3])),
      likeness: (i % 3) / 2,
      taken: i % 2 === 0,
    })),
  );

function optimum(all: readonly Candidate[]): number {
  const wanted = new Set(all.flatMap((c) => [...c.covers.keys()]));
  let best = all.length;
  for (let mask = 0; mask < 1 << all.length; mask++) {
    const subset = all.filter((_, i) => mask & (1 << i));
    const covered = new Set(subset.flatMap((c) => [...c.covers.keys()]));
    if (covered.size === wanted.size) best = Math.min(best, subset.length);
  }
  return best;
}

describe('smallest plan', () => {
  it('covers all that can be covered, with no superfluous golden, near the brute-force optimum', () => {
    fc.assert(
      fc.property(candidates, (all) => {
        const plan = smallestPlan(all);
        const chosen = all.filter((c) => plan.includes(c.goldenDigest));
        const covered = (list: readonly Candidate[]): Set<string> => new Set(list.flatMap((c) => [...c.covers.keys()]));
        expect(covered(chosen)).toEqual(covered(all));
        for (const one of chosen) expect(covered(chosen.filter((c) => c !== one)).size).toBeLessThan(covered(all).size);
        expect(plan.length).toBeLessThanOrEqual(Math.ceil(optimum(all) * (1 + Math.log(5))));
      }),
    );
  });

  describe('among goldens that answer the same', () => {
    const golden = (goldenDigest: string, likeness: number, taken = false): Candidate => ({
      goldenDigest,
      covers: new Map([['c1', 3]]),
      likeness,
      taken,
    });

    it('takes the one that is most like the machines', () => {
      expect(smallestPlan([golden('a', 0.5), golden('b', 0.8)])).toEqual(['b']);
    });

    it('does not test again on one that came later, unless it is clearly more like them', () => {
      expect(smallestPlan([golden('a', 0.8), golden('b', 0.75, true)])).toEqual(['b']);
      expect(smallestPlan([golden('a', 0.9), golden('b', 0.75, true)])).toEqual(['a']);
    });
  });
});
