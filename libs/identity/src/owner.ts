import type { Tx } from '@vouch/platform';
import type { CallerContext } from './context.js';
import { permissions, reachOf, type Action } from './domain/permissions.js';

/** The caller acts for no MSP or tenant that could own something. */
export class NoOwner extends Error {
  readonly code = 'access-denied';
  constructor() {
    super('Only members of an MSP or a tenant have keys and webhooks.');
  }
}

/**
 * On whose behalf the caller acts: the MSP, or the one tenant. No key acts so by a right that the table does not give to
 * the organisation: it may be for a part of the tenants.
 * @throws NoOwner
 */
export function ownerOf(caller: CallerContext, action: Action): string {
  if (caller.kind === 'api-key' && !permissions[action].organisations) throw new NoOwner();
  const reach = reachOf(caller.role, action);
  const owner = reach === 'msp' ? caller.mspId : reach === 'tenant' ? caller.tenantIds[0] : undefined;
  if (!owner) throw new NoOwner();
  return owner;
}

/** Shows this transaction what the owner has: API keys and webhooks belong to an MSP or tenant, not to tenants' rows. */
export async function actFor(tx: Tx, ownerId: string): Promise<void> {
  await tx.query(`select set_config('app.owner_id', $1, true)`, [ownerId]);
}
