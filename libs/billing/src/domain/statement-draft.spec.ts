import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitCosts, type TenantShare } from './cost-split.js';
import { draftStatements, inOneCurrency } from './statement-draft.js';

const cost = fc.record({
  costEntryId: fc.uuid(),
  amountMinor: fc.nat(100_000),
  currency: fc.constantFrom('EUR', 'USD'),
  beneficiaries: fc.uniqueArray(fc.constantFrom('t1', 't2', 't3', 't4'), { minLength: 1 }),
});
const costs = fc.uniqueArray(cost, { selector: (c) => c.costEntryId, maxLength: 8 });
const share = (tenantId: string, amountMinor: number, currency = 'EUR'): TenantShare => ({
  tenantId,
  costEntryId: 'c',
  amountMinor,
  currency,
  beneficiaries: 1,
});

describe('I5 money: statements of a closing', () => {
  it('sum to the costs that it took, one statement per tenant, all in one currency', () => {
    fc.assert(
      fc.property(costs, (all) => {
        const taken = inOneCurrency(all);
        const statements = draftStatements(splitCosts(taken));
        const billed = statements.reduce((sum, statement) => sum + statement.totalMinor, 0);
        expect(billed).toBe(taken.reduce((sum, c) => sum + c.amountMinor, 0));
        expect(new Set(statements.map((s) => s.tenantId)).size).toBe(statements.length);
        for (const statement of statements) expect(statement.currency).toBe(all[0]?.currency);
      }),
    );
  });

  it('leave no cost for ever: closing again and again takes them all', () => {
    fc.assert(
      fc.property(costs, (all) => {
        const first = inOneCurrency(all);
        const second = inOneCurrency(all.filter((c) => !first.includes(c)));
        expect(first.length + second.length).toBe(all.length);
      }),
    );
  });

  it('never add two currencies', () => {
    expect(() => draftStatements([share('t', 1), share('t', 1, 'USD')])).toThrow('EUR and USD');
  });

  it('refuse a sum that a number cannot count exactly', () => {
    expect(() => draftStatements([share('t', Number.MAX_SAFE_INTEGER), share('t', 1)])).toThrow(RangeError);
  });
});
