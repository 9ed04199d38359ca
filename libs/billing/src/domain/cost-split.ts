import { createHash } from 'node:crypto';

/** A cost and the tenants that needed what it paid for. */
export interface SharedCost {
  readonly costEntryId: string;
  /** Minor units, a non-negative integer. */
  readonly amountMinor: number;
  readonly currency: string;
  /** Tenant ids, at least one; order and repetition do not matter. */
  readonly beneficiaries: readonly string[];
}

/** A tenant's part of one cost. */
export interface TenantShare {
  readonly tenantId: string;
  readonly costEntryId: string;
  readonly amountMinor: number;
  readonly currency: string;
  /** Number of tenants among which the cost was split. */
  readonly beneficiaries: number;
}

/**
 * How the tenants of a set are ordered for its odd units. Rule 1 drew with the period's name, which the MSP that closes
 * it chooses: it could try names until the units fell as it liked. Rule 2 draws with the set's first cost alone, whose id
 * follows from the test run and stands long before anybody asks for a closing; of the shares that rule 1 gave out, it
 * can still be shown that they are right.
 */
export type OddUnitRule = { readonly version: 1; readonly period: string } | { readonly version: 2 };

/** The rule for all that is split from now on. */
export const ODD_UNITS = { version: 2 } as const satisfies OddUnitRule;

/**
 * Splits costs equally among those who needed them, exactly to the minor unit.
 *
 * For a cost that any one of a set of tenants would have caused alone, the equal split is the Shapley value (L. S.
 * Shapley, 1953), and it lies in the core: no group pays more than it would without the others.
 *
 * Costs with the same beneficiaries are summed first and each tenant's part of the sum is fixed by one largest-remainder
 * division, so per set of beneficiaries a tenant is less than one minor unit from its exact part, however many tests
 * there were. Who gets the odd units is decided by a hash of the set's first cost and the tenant: it does not depend on
 * the order of anything nor on a word that anybody chooses, differs from set to set and from month to month, and one more
 * tenant that joins the set leaves the others' order as it was. The parts are then laid over the costs in order, so that every cost is covered to
 * the unit and every unit of a bill leads to one test.
 *
 * @param rule the order in which odd units are given out
 * @returns shares above zero; their sum per cost is the cost
 * @throws RangeError for a cost without beneficiaries or with an inexact amount
 */
export function splitCosts(costs: readonly SharedCost[], rule: OddUnitRule = ODD_UNITS): TenantShare[] {
  const groups = new Map<string, { tenants: string[]; costs: SharedCost[] }>();
  for (const cost of costs) {
    const tenants = [...new Set(cost.beneficiaries)].sort();
    if (tenants.length === 0) throw new RangeError(`Cost ${cost.costEntryId} has nobody to pay it.`);
    if (!Number.isSafeInteger(cost.amountMinor) || cost.amountMinor < 0) {
      throw new RangeError(`Cost ${cost.costEntryId} is no exact, non-negative amount.`);
    }
    const key = `${cost.currency} ${tenants.join(' ')}`;
    const group = groups.get(key) ?? { tenants, costs: [] };
    group.costs.push(cost);
    groups.set(key, group);
  }
  return [...groups.values()].flatMap((group) => splitGroup(group.tenants, group.costs, rule));
}

function splitGroup(tenants: readonly string[], costs: readonly SharedCost[], rule: OddUnitRule): TenantShare[] {
  const sum = costs.reduce((total, cost) => total + cost.amountMinor, 0);
  const odd = sum % tenants.length;
  const base = (sum - odd) / tenants.length;
  const ordered = [...costs].sort((a, b) => (a.costEntryId < b.costEntryId ? -1 : 1));
  const first = ordered[0]?.costEntryId ?? '';
  const turns = inTurn(tenants, rule.version === 1 ? `${rule.period} ${first}` : `odd units 2 ${first}`);
  const due = turns.map((tenantId, i) => ({ tenantId, left: base + (i < odd ? 1 : 0) }));
  const shares: TenantShare[] = [];
  ordered.forEach((cost, i) => {
    const costsLeft = ordered.slice(i).reduce((total, c) => total + c.amountMinor, 0);
    for (const [tenant, amountMinor] of portions(cost.amountMinor, costsLeft, due)) {
      tenant.left -= amountMinor;
      if (amountMinor > 0) {
        shares.push({
          tenantId: tenant.tenantId,
          costEntryId: cost.costEntryId,
          amountMinor,
          currency: cost.currency,
          beneficiaries: tenants.length,
        });
      }
    }
  });
  return shares;
}

interface Due {
  readonly tenantId: string;
  left: number;
}

/** Covers one cost from what each tenant still owes, in proportion; the last units come from those who owe most. */
function portions(amount: number, costsLeft: number, due: readonly Due[]): [Due, number][] {
  const parts = due.map((tenant): [Due, number] => {
    const part = costsLeft === 0 ? 0n : (BigInt(amount) * BigInt(tenant.left)) / BigInt(costsLeft);
    return [tenant, Number(part)];
  });
  let open = amount - parts.reduce((total, [, part]) => total + part, 0);
  const byDebt = [...parts].sort(([a, x], [b, y]) => b.left - y - (a.left - x));
  for (const part of byDebt) {
    const more = Math.min(open, part[0].left - part[1], 1);
    part[1] += more;
    open -= more;
  }
  return parts;
}

/** The tenants in an order that only the seed and their ids decide. */
function inTurn(tenants: readonly string[], seed: string): string[] {
  const turn = (tenantId: string): string => createHash('sha256').update(`${seed} ${tenantId}`).digest('hex');
  const turns = tenants.map((tenantId) => ({ tenantId, turn: turn(tenantId) }));
  return turns.sort((a, b) => (a.turn < b.turn ? -1 : 1)).map(({ tenantId }) => tenantId);
}
