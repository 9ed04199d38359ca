import { forTenants, type Scope } from '@vouch/platform';

export type Role = 'msp-owner' | 'technician' | 'tenant-owner' | 'tenant-viewer';

/** Who asks, and for which tenants they may: the first argument of everything done on a person's behalf. */
export interface MemberContext {
  readonly memberId: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  readonly mspId: string;
  readonly msp: string;
  readonly tenantIds: readonly string[];
  readonly correlationId: string;
}

export const scopeOf = (context: MemberContext): Scope => forTenants(...context.tenantIds);
export const actorOf = (context: MemberContext): string => `member:${context.memberId}`;
