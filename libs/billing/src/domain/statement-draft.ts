import type { TenantShare } from './cost-split.js';

/** What a tenant owes for one period. */
export interface StatementDraft {
  readonly tenantId: string;
  readonly currency: string;
  /** Minor units: the exact sum of the shares. */
  readonly totalMinor: number;
  readonly shares: readonly TenantShare[];
}

/**
 * The shares that one closing takes: those in the currency of the first. A statement has one currency, and amounts of
 * two are never added; after an operator changed the currency, the rest waits for the next closing.
 * @param shares of the oldest cost first
 */
export function inOneCurrency<T extends { readonly currency: string }>(shares: readonly T[]): T[] {
  return shares.filter((share) => share.currency === shares[0]?.currency);
}

/**
 * Gathers shares to one statement per tenant, in the order of the tenants' ids.
 * @throws RangeError when a tenant's shares are in several currencies or their sum is no exact number
 */
export function draftStatements(shares: readonly TenantShare[]): StatementDraft[] {
  const byTenant = new Map<string, TenantShare[]>();
  for (const share of shares) byTenant.set(share.tenantId, [...(byTenant.get(share.tenantId) ?? []), share]);
  return [...byTenant].sort(([a], [b]) => (a < b ? -1 : 1)).map(([tenantId, own]) => draft(tenantId, own));
}

function draft(tenantId: string, shares: readonly TenantShare[]): StatementDraft {
  const currencies = [...new Set(shares.map((share) => share.currency))];
  const totalMinor = shares.reduce((sum, share) => sum + share.amountMinor, 0);
  const [currency, another] = currencies;
  if (currency === undefined || another !== undefined) {
    throw new RangeError(`The shares of tenant ${tenantId} are in ${currencies.join(' and ')}: close one at a time.`);
  }
  if (!Number.isSafeInteger(totalMinor)) throw new RangeError(`The shares of tenant ${tenantId} have no exact sum.`);
  return { tenantId, currency, totalMinor, shares };
}
