import type { Role } from '../context.js';

export type Action = 'overview:read' | 'evidence:read' | 'enrolment-token:create' | 'statement:close' | 'portal:open';

/** Who may do what, in one place. Whatever is not here is refused. */
export const permissions: Readonly<Record<Action, readonly Role[]>> = {
  'overview:read': ['msp-owner', 'technician', 'tenant-owner', 'tenant-viewer'],
  'evidence:read': ['msp-owner', 'technician', 'tenant-owner', 'tenant-viewer'],
  'enrolment-token:create': ['msp-owner', 'technician'],
  'statement:close': ['msp-owner', 'technician'],
  'portal:open': ['msp-owner', 'technician', 'tenant-owner'],
};

export const may = (role: Role, action: Action): boolean => permissions[action].includes(role);
