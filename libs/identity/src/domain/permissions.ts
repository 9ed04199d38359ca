/**
 * Who may do what, in one place. Whatever is not here is refused. The operator runs the installation; an MSP's members
 * act for its tenants; a tenant's members for that tenant.
 */
export const roles = ['operator', 'msp-owner', 'technician', 'msp-reader', 'tenant-owner', 'tenant-viewer'] as const;
export type Role = (typeof roles)[number];

/** How far a right reaches: the whole installation, the tenants of one's MSP, one's own tenant, oneself; `-` is nowhere. */
export type Reach = 'all' | 'msp' | 'tenant' | 'self' | '-';

interface Rule {
  readonly reach: Readonly<Record<Role, Reach>>;
  /** Dangerous: the person must have proved shortly before, with every factor, that it is they. */
  readonly stepUp: boolean;
  /** Whether an API key may do it, if it was made for that. */
  readonly keys: boolean;
  /** It concerns what belongs to the whole organisation, such as its keys and holds: no key may that is for some of its tenants. */
  readonly organisations: boolean;
}

const row = (...cells: readonly [Reach, Reach, Reach, Reach, Reach, Reach]): Rule => ({
  reach: Object.fromEntries(roles.map((role, index) => [role, cells[index]])) as Record<Role, Reach>,
  stepUp: false,
  keys: true,
  organisations: false,
});

/** A right that only a person has who proved shortly before, with every factor, that it is they. */
const stepUp = (...cells: Parameters<typeof row>): Rule => ({ ...row(...cells), stepUp: true, keys: false });

/** The same for people, and also for an API key made for it: whoever made that had stepped up. */
const stepUpOrKey = (...cells: Parameters<typeof row>): Rule => ({ ...row(...cells), stepUp: true });

/** What the right is about belongs to the organisation, not to one of its tenants. */
const ofAll = (rule: Rule): Rule => ({ ...rule, organisations: true });

// prettier-ignore
export const permissions = {
  //                             operator  msp-owner  technician  msp-reader  tenant-owner  tenant-viewer
  'overview:read':          row('-',      'msp',     'msp',      'msp',      'tenant',     'tenant'),
  'evidence:read':          row('all',      'msp',     'msp',      'msp',      'tenant',     'tenant'),
  'enrolment-token:create': row('-',      'msp',     'msp',      '-',        '-',          '-'),
  'statement:close':        ofAll(stepUp('all',    'msp',     'msp',      '-',        '-',          '-')),
  'portal:open':            stepUp('-',      'msp',     '-',        '-',        'tenant',     '-'),
  'enrolment-token:read':   row('-',      'msp',     'msp',      '-',        '-',          '-'),
  'enrolment-token:revoke': row('-',      'msp',     'msp',      '-',        '-',          '-'),
  'tenant:read':            row('-',      'msp',     'msp',      'msp',      'tenant',     'tenant'),
  'device:read':            row('-',      'msp',     'msp',      'msp',      'tenant',     'tenant'),
  'device:revoke':          stepUp('-',   'msp',     'msp',      '-',        '-',          '-'),
  'patch:read':             row('-',      'msp',     'msp',      'msp',      'tenant',     'tenant'),
  'approval:read':          row('-',      'msp',     'msp',      'msp',      'tenant',     'tenant'),
  'policy:read':            ofAll(row('-',      'msp',     'msp',      'msp',      '-',          '-')),
  'policy:change':          ofAll(stepUp('-',   'msp',     '-',        '-',        '-',          '-')),
  'hold:read':              ofAll(row('-',      'msp',     'msp',      'msp',      '-',          '-')),
  'hold:manage':            ofAll(stepUpOrKey('-', 'msp',  'msp',      '-',        '-',          '-')),
  'waiver:manage':          ofAll(stepUp('-',   'msp',     '-',        '-',        '-',          '-')),
  'outcome:read':           row('-',      'msp',     'msp',      'msp',      'tenant',     'tenant'),
  'cost:read':              row('-',      'msp',     'msp',      'msp',      'tenant',     'tenant'),
  'statement:read':         row('-',      'msp',     'msp',      'msp',      'tenant',     'tenant'),
  'api-key:create':         ofAll(stepUp('-',      'msp',     'msp',      '-',        'tenant',     '-')),
  'api-key:read':           ofAll(row('-',      'msp',     'msp',      '-',        'tenant',     '-')),
  'api-key:revoke':         ofAll(row('-',      'msp',     'msp',      '-',        'tenant',     '-')),
  'webhook:read':           ofAll(row('-',      'msp',     'msp',      'msp',      'tenant',     '-')),
  'webhook:manage':         ofAll(stepUpOrKey('-', 'msp',  'msp',      '-',        'tenant',     '-')),
  'audit:read':             row('all',    'msp',     'msp',      'msp',      'tenant',     '-'),
  'organisation-audit:read': ofAll(row('-', 'msp',     'msp',      'msp',      'tenant',     '-')),
  'msp:read':               row('all',    '-',       '-',        '-',        '-',          '-'),
  'msp:create':             stepUp('all', '-',       '-',        '-',        '-',          '-'),
  'tenant:create':          ofAll(row('-',      'msp',     'msp',      '-',        '-',          '-')),
  'member:read':            ofAll(row('-',      'msp',     'msp',      'msp',      'tenant',     '-')),
  'member:manage':          ofAll(stepUp('-',   'msp',     '-',        '-',        'tenant',     '-')),
  'lab-queue:read':         row('all',    '-',       '-',        '-',        '-',          '-'),
  'run:cancel':             stepUp('all', '-',        '-',        '-',        '-',          '-'),
  'patch:prioritise':       row('all',    '-',       '-',        '-',        '-',          '-'),
  'profile:read':           row('all',    'msp',     'msp',      'msp',      '-',          '-'),
  'profile:manage':         stepUp('all', '-',       '-',        '-',        '-',          '-'),
  'single-sign-on:read':    ofAll(row('-',      'msp',     '-',        '-',        '-',          '-')),
  'single-sign-on:manage':  ofAll(stepUp('-',   'msp',     '-',        '-',        '-',          '-')),
} as const satisfies Readonly<Record<string, Rule>>;

/** Roles that an MSP or a tenant gives to its members. */
export const rolesOfOrganisation = (kind: 'msp' | 'tenant'): readonly Role[] =>
  kind === 'msp' ? ['msp-owner', 'technician', 'msp-reader'] : ['tenant-owner', 'tenant-viewer'];

export type Action = keyof typeof permissions;

export const reachOf = (role: Role, action: Action): Reach => permissions[action].reach[role];

/** All that a caller may do: what the console shows follows from it. */
export const actionsOf = (caller: Parameters<typeof may>[0]): Action[] =>
  (Object.keys(permissions) as Action[]).filter((action) => may(caller, action));

/** Is it about the whole MSP, so that nothing may do it that is only for some of its tenants? */
export const concernsAllTenants = (role: Role, action: Action): boolean =>
  permissions[action].organisations && reachOf(role, action) === 'msp';

/** What may be allowed to an API key that the caller makes. */
export const keyActionsOf = (caller: Parameters<typeof may>[0]): Action[] =>
  actionsOf(caller).filter((action) => permissions[action].keys);

/** An API key may do what its role may and what it was made for, and never what is for people alone. */
export function may(
  caller: { readonly role: Role; readonly actions: ReadonlySet<Action> | null },
  action: Action,
): boolean {
  if (reachOf(caller.role, action) === '-') return false;
  return caller.actions === null || (caller.actions.has(action) && permissions[action].keys);
}
