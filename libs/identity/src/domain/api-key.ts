import { concernsAllTenants, permissions, reachOf, roles, type Action, type Reach, type Role } from './permissions.js';

/** What somebody asked for cannot be given to a key. */
export class ApiKeyRefused extends Error {
  readonly code = 'api-key-refused';
}

const order: readonly Reach[] = ['-', 'self', 'tenant', 'msp', 'all'];
const isAction = (name: string): name is Action => Object.hasOwn(permissions, name);
const isRole = (name: string): name is Role => (roles as readonly string[]).includes(name);

/** Does `role` reach nowhere that `other` does not? */
export function isAtMost(role: Role, other: Role): boolean {
  return (Object.keys(permissions) as Action[]).every(
    (action) => order.indexOf(reachOf(role, action)) <= order.indexOf(reachOf(other, action)),
  );
}

export interface KeyMaker {
  readonly role: Role;
  /** Null for a person, who may do all that the role may. */
  readonly actions: ReadonlySet<Action> | null;
  readonly tenantIds: readonly string[];
}

export interface KeyWish {
  readonly role?: string | undefined;
  readonly actions: readonly string[];
  readonly tenantIds?: readonly string[] | undefined;
}

export interface KeyGrant {
  readonly role: Role;
  readonly actions: readonly Action[];
  /** Null: every tenant that the maker may reach, the future ones too. */
  readonly tenantIds: readonly string[] | null;
}

/**
 * What a new key may do: a part of what its maker may, and nothing that is for people alone.
 * @throws ApiKeyRefused
 */
export function grantKey(maker: KeyMaker, wish: KeyWish): KeyGrant {
  const role = wish.role ?? maker.role;
  if (!isRole(role) || !isAtMost(role, maker.role))
    throw new ApiKeyRefused(`A key cannot have the role "${role}": it is more than yours (${maker.role}).`);
  const actions = [...new Set(wish.actions)].map((action) => {
    if (!isAction(action)) throw new ApiKeyRefused(`There is no action "${action}".`);
    if (!permissions[action].keys)
      throw new ApiKeyRefused(`No key may do "${action}": it needs a person who proves again that it is they.`);
    if (reachOf(role, action) === '-' || reachOf(maker.role, action) === '-' || maker.actions?.has(action) === false)
      throw new ApiKeyRefused(`A key cannot do "${action}": ${role} may not, or you may not.`);
    if (wish.tenantIds && concernsAllTenants(role, action))
      throw new ApiKeyRefused(`A key for some tenants cannot do "${action}": that is the whole organisation's.`);
    return action;
  });
  if (actions.length === 0) throw new ApiKeyRefused('A key needs at least one action.');
  const foreign = wish.tenantIds?.find((id) => !maker.tenantIds.includes(id));
  if (foreign !== undefined) throw new ApiKeyRefused(`There is no tenant ${foreign} that you may act for.`);
  return { role, actions, tenantIds: wish.tenantIds ? [...new Set(wish.tenantIds)] : null };
}

/**
 * What an old key may do now that its maker's role may have changed: never more than the maker today, and for some
 * tenants nothing that is the whole organisation's. Actions that no longer exist are left out.
 */
export function effectiveGrant(
  key: { readonly role: Role; readonly actions: readonly string[]; readonly forSomeTenants: boolean },
  makerRole: Role,
): { readonly role: Role; readonly actions: ReadonlySet<Action> } {
  const role = isAtMost(key.role, makerRole) ? key.role : makerRole;
  const actions = key.actions
    .filter(isAction)
    .filter((action) => permissions[action].keys && reachOf(makerRole, action) !== '-')
    .filter((action) => !(key.forSomeTenants && concernsAllTenants(role, action)));
  return { role, actions: new Set(actions) };
}
