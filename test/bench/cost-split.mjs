import { splitCosts } from '@vouch/billing';
import { interleaved } from './measure.mjs';

const [TENANTS, COSTS, GROUPS] = [1_000, 5_000, 20];

/** Each cost split for itself by largest remainder: as exact per cost, and off by many units per bill. */
function perCost(costs) {
  const shares = [];
  for (const { costEntryId, amountMinor, beneficiaries } of costs) {
    const sorted = [...beneficiaries].sort();
    const odd = amountMinor % sorted.length;
    sorted.forEach((tenantId, i) =>
      shares.push({ tenantId, costEntryId, amountMinor: (amountMinor - odd) / sorted.length + (i < odd ? 1 : 0) }),
    );
  }
  return shares;
}

/** The largest distance of a tenant's bill from its exact part, in minor units. */
function worstError(costs, shares) {
  const error = new Map();
  const add = (tenant, amount) => error.set(tenant, (error.get(tenant) ?? 0) + amount);
  for (const { amountMinor, beneficiaries } of costs)
    for (const tenant of beneficiaries) add(tenant, -amountMinor / beneficiaries.length);
  for (const { tenantId, amountMinor } of shares) add(tenantId, amountMinor);
  return Math.max(...[...error.values()].map(Math.abs));
}

/** A month's costs, split by sets of beneficiaries against one by one. */
export async function run(say) {
  const groups = Array.from({ length: GROUPS }, (_, g) =>
    Array.from({ length: TENANTS / (1 + (g % 5)) }, (_, i) => `tenant-${(i * (1 + (g % 5)) + g) % TENANTS}`),
  );
  const costs = Array.from({ length: COSTS }, (_, i) => ({
    costEntryId: `cost-${String(i).padStart(5, '0')}`,
    amountMinor: 20 + ((i * 7919) % 400),
    currency: 'EUR',
    beneficiaries: groups[i % GROUPS],
  }));
  let ours = [];
  let theirs = [];
  const ms = await interleaved(
    { ours: async () => (ours = splitCosts(costs)), perCost: async () => (theirs = perCost(costs)) },
    5,
    say,
  );
  return {
    ratio: ms.ours / ms.perCost,
    compares: 'time of our split by sets of beneficiaries / time of splitting each cost for itself',
    milliseconds: ms,
    worstErrorMinor: { ours: worstError(costs, ours), perCost: worstError(costs, theirs) },
    tenants: TENANTS,
    costs: COSTS,
  };
}
