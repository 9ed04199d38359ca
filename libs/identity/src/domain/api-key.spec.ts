import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiKeyRefused, effectiveGrant, grantKey, isAtMost } from './api-key.js';
import { may, permissions, reachOf, roles, type Action } from './permissions.js';

const allActions = Object.keys(permissions) as Action[];
const role = fc.constantFrom(...roles);
const actions = fc.subarray(allActions, { minLength: 1 });
const tenants = ['a', 'b', 'c'];

describe('an API key', () => {
  it('never may what its maker may not, nor what is for people alone', () => {
    fc.assert(
      fc.property(
        role,
        fc.option(role, { nil: undefined }),
        actions,
        fc.subarray(tenants),
        (makerRole, wished, wish, tenantIds) => {
          const maker = { role: makerRole, actions: null, tenantIds: tenants };
          try {
            const key = grantKey(maker, { role: wished, actions: wish, tenantIds });
            for (const action of allActions) {
              if (!may({ role: key.role, actions: new Set(key.actions) }, action)) continue;
              expect(may(maker, action)).toBe(true);
              expect(permissions[action].keys).toBe(true);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(ApiKeyRefused);
          }
        },
      ),
    );
  });

  it('made by another key never may more than that one', () => {
    fc.assert(
      fc.property(role, actions, actions, (makerRole, own, wish) => {
        const maker = { role: makerRole, actions: new Set(own), tenantIds: tenants };
        try {
          const key = grantKey(maker, { actions: wish });
          expect(key.actions.every((action) => own.includes(action))).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(ApiKeyRefused);
        }
      }),
    );
  });

  it('shrinks with its maker', () => {
    fc.assert(
      fc.property(role, role, actions, (keyRole, makerNow, wish) => {
        const now = effectiveGrant({ role: keyRole, actions: wish, forSomeTenants: false }, makerNow);
        for (const action of now.actions) expect(reachOf(makerNow, action)).not.toBe('-');
        expect(isAtMost(now.role, makerNow)).toBe(true);
      }),
    );
  });

  it.each([
    [{ actions: ['device:read'], role: 'msp-owner' }, 'role "msp-owner"'],
    [{ actions: ['device:read'], role: '__proto__' }, 'role "__proto__"'],
    [{ actions: ['constructor'] }, 'no action "constructor"'],
    [{ actions: [] }, 'at least one'],
    [{ actions: ['device:read'], tenantIds: ['z'] }, 'no tenant z'],
    [{ actions: ['enrolment-token:create'] }, 'you may not'],
  ])('is refused as %j, with the reason', (wish, reason) => {
    const maker = { role: 'tenant-owner' as const, actions: null, tenantIds: tenants };
    expect(() => grantKey(maker, wish)).toThrow(reason);
  });

  it('for some tenants may nothing that is the whole organisation’s, however old it is', () => {
    fc.assert(
      fc.property(role, role, actions, (keyRole, makerNow, wish) => {
        const now = effectiveGrant({ role: keyRole, actions: wish, forSomeTenants: true }, makerNow);
        for (const action of now.actions)
          expect(permissions[action].organisations && reachOf(now.role, action) === 'msp', action).toBe(false);
      }),
    );
  });

  it('does not keep an action that is gone', () => {
    expect([
      ...effectiveGrant(
        { role: 'technician', actions: ['gone:read', 'device:read'], forSomeTenants: false },
        'technician',
      ).actions,
    ]).toEqual(['device:read']);
  });
});
