import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meteredCost } from './cost-entry.js';
import { ODD_UNITS, splitCosts, type OddUnitRule, type SharedCost, type TenantShare } from './cost-split.js';

const tenant: fc.Arbitrary<string> = fc.constantFrom('t1', 't2', 't3', 't4', 't5', 't6');
const cost = fc.record({
  costEntryId: fc.uuid(),
  amountMinor: fc.nat(100_000),
  currency: fc.constant('EUR'),
  beneficiaries: fc.uniqueArray(tenant, { minLength: 1 }),
});
const costs = fc.uniqueArray(cost, { selector: (c) => c.costEntryId, maxLength: 8 });
/** Both orders of odd units: the present one, and that of what was split before it. */
const rules: fc.Arbitrary<OddUnitRule> = fc.oneof(
  fc.constant<OddUnitRule>(ODD_UNITS),
  fc.string().map((period): OddUnitRule => ({ version: 1, period })),
);
const paid = (shares: readonly TenantShare[], by: (share: TenantShare) => boolean): number =>
  shares.filter(by).reduce((sum, share) => sum + share.amountMinor, 0);
const exactPart = (all: readonly SharedCost[], who: string): number =>
  all.reduce((sum, c) => sum + (c.beneficiaries.includes(who) ? c.amountMinor / c.beneficiaries.length : 0), 0);

describe('I5 money: the split', () => {
  it('sums to each cost exactly', () => {
    fc.assert(
      fc.property(costs, rules, (all, rule) => {
        const shares = splitCosts(all, rule);
        for (const c of all) expect(paid(shares, (s) => s.costEntryId === c.costEntryId)).toBe(c.amountMinor);
      }),
    );
  });

  it('charges only those who needed it, and every unit leads to a cost', () => {
    fc.assert(
      fc.property(costs, (all) => {
        for (const share of splitCosts(all)) {
          const source = all.find((c) => c.costEntryId === share.costEntryId);
          expect(source?.beneficiaries).toContain(share.tenantId);
          expect(share.amountMinor).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('stays within one unit of the exact part for each set of beneficiaries', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(tenant, { minLength: 1 }),
        fc.array(fc.nat(10_000), { maxLength: 12 }),
        (tenants, amounts) => {
          const all = amounts.map((amountMinor, i) => ({
            costEntryId: `c${i}`,
            amountMinor,
            currency: 'EUR',
            beneficiaries: tenants,
          }));
          const shares = splitCosts(all);
          for (const who of tenants)
            expect(Math.abs(paid(shares, (s) => s.tenantId === who) - exactPart(all, who))).toBeLessThan(1);
        },
      ),
    );
  });

  it('lets no group pay more than it would alone', () => {
    fc.assert(
      fc.property(costs, fc.uniqueArray(tenant), (all, group) => {
        const together = paid(splitCosts(all), (share) => group.includes(share.tenantId));
        const alone = all
          .filter((c) => c.beneficiaries.some((t) => group.includes(t)))
          .reduce((sum, c) => sum + c.amountMinor, 0);
        expect(together).toBeLessThanOrEqual(alone);
      }),
    );
  });

  it('raises nobody when one more tenant joins those who share costs', () => {
    const shared = fc.tuple(
      fc.uniqueArray(tenant, { minLength: 1 }),
      fc.array(fc.nat(1_000), { minLength: 1, maxLength: 6 }),
    );
    fc.assert(
      fc.property(shared, rules, fc.uuid(), ([tenants, amounts], rule, newcomer) => {
        const among = (beneficiaries: string[]): TenantShare[] =>
          splitCosts(
            amounts.map((amountMinor, i) => ({ costEntryId: `c${i}`, amountMinor, currency: 'EUR', beneficiaries })),
            rule,
          );
        const [before, after] = [among(tenants), among([...tenants, newcomer])];
        for (const who of tenants) {
          const by = (share: TenantShare): boolean => share.tenantId === who;
          expect(paid(after, by)).toBeLessThanOrEqual(paid(before, by));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('gives the odd units of many tests to everybody in turn, not all to one', () => {
    const tenants = ['t1', 't2', 't3', 't4'];
    // One odd unit each, and a fifth tenant of its own, so that no two costs are summed.
    const all = Array.from({ length: 400 }, (_, i) => ({
      costEntryId: `c${i}`,
      amountMinor: 1,
      currency: 'EUR',
      beneficiaries: [...tenants, `own-${i}`],
    }));
    const shares = splitCosts(all);
    // 80 each is exact; 8 is the standard deviation of a fair draw.
    for (const who of tenants) {
      const units = paid(shares, (share) => share.tenantId === who);
      expect(units).toBeGreaterThan(40);
      expect(units).toBeLessThan(120);
    }
  });

  it('gives them out by a draw that no word of the one who closes enters, where rule 1 took the period for it', () => {
    const all = [{ costEntryId: 'c', amountMinor: 1, currency: 'EUR', beneficiaries: ['t1', 't2', 't3', 't4'] }];
    const payer = (rule: OddUnitRule): string | undefined => splitCosts(all, rule)[0]?.tenantId;
    const tried = Array.from({ length: 40 }, (_, i) => payer({ version: 1, period: `2026-${i}` }));
    expect(new Set(tried).size).toBe(4);
    // What decided then is what decides now: statements that were closed under either rule can be worked out again.
    expect(payer({ version: 1, period: '2026-01' })).toBe('t2');
    expect(payer(ODD_UNITS)).toBe('t4');
    expect(payer({ ...ODD_UNITS, period: 'of my choice' } as OddUnitRule)).toBe(payer(ODD_UNITS));
  });

  it('keeps the draw when another cost of the same tenants comes later', () => {
    const among = { amountMinor: 1, currency: 'EUR', beneficiaries: ['t1', 't2', 't3', 't4'] };
    const one = splitCosts([{ ...among, costEntryId: 'a' }]);
    const two = splitCosts(['a', 'b'].map((costEntryId) => ({ ...among, costEntryId })));
    expect(two.map(({ tenantId }) => tenantId)).toContain(one[0]?.tenantId);
  });

  it('is the Shapley value, by brute force over all orders of arrival', () => {
    fc.assert(
      fc.property(fc.uniqueArray(tenant, { minLength: 1, maxLength: 5 }), fc.nat(10_000), (tenants, amountMinor) => {
        const orders = permutations(tenants);
        const all = [{ costEntryId: 'c', amountMinor, currency: 'EUR', beneficiaries: tenants }];
        for (const who of tenants) {
          const shapley = (orders.filter((order) => order[0] === who).length / orders.length) * amountMinor;
          expect(Math.abs(paid(splitCosts(all), (s) => s.tenantId === who) - shapley)).toBeLessThan(1);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('does not depend on the order of costs or tenants', () => {
    fc.assert(
      fc.property(costs, (all) => {
        const sorted = (shares: TenantShare[]): string[] => shares.map((s) => JSON.stringify(s)).sort();
        const mixed = [...all].reverse().map((c) => ({ ...c, beneficiaries: [...c.beneficiaries].reverse() }));
        expect(sorted(splitCosts(mixed))).toEqual(sorted(splitCosts(all)));
      }),
    );
  });

  it('refuses a cost that nobody pays', () => {
    expect(() => splitCosts([{ costEntryId: 'c', amountMinor: 1, currency: 'EUR', beneficiaries: [] }])).toThrow(
      RangeError,
    );
  });
});

describe('metering', () => {
  const rate = { minorPerHour: 800, fixedMinorPerTest: 25, currency: 'EUR' };
  it.each([
    [0, 25],
    [3_600_000, 825],
    [2_250, 26],
    [2_249, 25],
  ])('%i ms cost %i', (ms, amountMinor) => {
    expect(meteredCost(ms, rate)).toEqual({ amountMinor, currency: 'EUR' });
  });
  it.each([-1, 0.5, Number.NaN])('refuses %d ms', (ms) => {
    expect(() => meteredCost(ms, rate)).toThrow(RangeError);
  });
});

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) =>
    permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
  );
}
