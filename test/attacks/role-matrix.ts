import type { AccessRule } from '../../apps/api/src/access/access.js';
import { permissions, reachOf, type Action, type Role } from '@vouch/identity';

/** Somebody who knocks at every route, as far as the rules tell callers apart. */
export type Knocker = { readonly name: string } & (
  | { readonly kind: 'nobody' | 'device' | 'lab-runner' }
  | { readonly kind: 'api-key'; readonly role: Role; readonly actions: ReadonlySet<Action> }
  | {
      readonly kind: 'member';
      readonly role: Role;
      /** What is missing of a session that could do everything its role may. */
      readonly lacks?: 'fresh proof' | 'second factor' | 'own header';
    }
);

/** What the guard answers those it keeps out; handlers never answer so. */
export const REFUSALS: Readonly<Record<string, number>> = {
  'sign-in-needed': 401,
  'device-refused': 401,
  'access-denied': 403,
  'csrf-header-missing': 403,
  'second-factor-enrolment-needed': 403,
  'step-up-needed': 403,
};

/** @returns the code with which somebody must be refused at a route, or null for whom the table of permissions lets in */
export function refusalOf(rule: AccessRule, method: string, who: Knocker): string | null {
  if (rule === 'public') return null;
  if (rule === 'device') return who.kind === 'device' ? null : 'device-refused';
  if (rule === 'lab-runner') return who.kind === 'lab-runner' ? null : 'sign-in-needed';
  if (who.kind === 'api-key') {
    if (rule === 'caller') return null;
    if (typeof rule === 'string') return 'access-denied';
    const { may } = rule;
    const isAllowed = reachOf(who.role, may) !== '-' && permissions[may].keys && who.actions.has(may);
    return isAllowed ? null : 'access-denied';
  }
  if (who.kind !== 'member') return 'sign-in-needed';
  if (who.lacks === 'own header' && method !== 'GET') return 'csrf-header-missing';
  if (who.lacks === 'second factor')
    return rule === 'half-signed-in' || rule === 'factor-change' ? null : 'second-factor-enrolment-needed';
  const needsFreshProof =
    rule === 'stepped-up' || rule === 'factor-change' || (typeof rule === 'object' && permissions[rule.may].stepUp);
  if (typeof rule === 'object' && reachOf(who.role, rule.may) === '-') return 'access-denied';
  return needsFreshProof && who.lacks === 'fresh proof' ? 'step-up-needed' : null;
}
