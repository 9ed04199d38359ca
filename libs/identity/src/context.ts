import { forTenants, type Origin, type Scope } from '@vouch/platform';
import type { Action, Role } from './domain/permissions.js';
import type { SecondFactorState } from './domain/second-factor.js';

/** Who asks, and for which tenants they may: the first argument of everything done on a person's or a key's behalf. */
export interface CallerContext {
  readonly kind: 'member' | 'api-key';
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  /** Null for the operator, who belongs to no MSP. */
  readonly mspId: string | null;
  readonly msp: string;
  readonly tenantIds: readonly string[];
  /** What an API key was made for; null for people, who may do all that their role may. */
  readonly actions: ReadonlySet<Action> | null;
  /** When the person last proved with every factor that it is they; null if never in this session. */
  readonly steppedUpAt: Date | null;
  /** The session's id; null for API keys. */
  readonly sessionId: string | null;
  /** Whether the session may do more than prove who it belongs to. */
  readonly secondFactor: SecondFactorState;
  readonly correlationId: string;
  readonly from: Origin;
}

export const scopeOf = (context: CallerContext): Scope => forTenants(...context.tenantIds);
export const actorOf = (context: CallerContext): string => `${context.kind}:${context.id}`;
