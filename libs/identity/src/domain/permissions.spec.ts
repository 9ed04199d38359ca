import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actionsOf, may, permissions, reachOf, roles, rolesOfOrganisation, type Action } from './permissions.js';

const allActions = Object.keys(permissions) as Action[];
const role = fc.constantFrom(...roles);
const action = fc.constantFrom(...allActions);

describe('the table of permissions', () => {
  it('lets nobody reach beyond what they belong to', () => {
    for (const name of allActions) {
      expect(['all', '-'], `operator ${name}`).toContain(reachOf('operator', name));
      for (const of of rolesOfOrganisation('msp'))
        expect(['msp', 'self', '-'], `${of} ${name}`).toContain(reachOf(of, name));
      for (const of of rolesOfOrganisation('tenant'))
        expect(['tenant', 'self', '-'], `${of} ${name}`).toContain(reachOf(of, name));
    }
  });

  it('gives readers nothing but reading', () => {
    for (const reader of ['msp-reader', 'tenant-viewer'] as const)
      for (const name of actionsOf({ role: reader, actions: null })) expect(name).toMatch(/:read$/);
  });

  it('gives owners all that the others of their organisation may', () => {
    const owners = { msp: 'msp-owner', tenant: 'tenant-owner' } as const;
    for (const kind of ['msp', 'tenant'] as const)
      for (const other of rolesOfOrganisation(kind))
        expect(actionsOf({ role: owners[kind], actions: null })).toEqual(
          expect.arrayContaining(actionsOf({ role: other, actions: null })),
        );
  });

  it('gives a key what it was made for, if its role may and it is not for people alone, and nothing else', () => {
    fc.assert(
      fc.property(role, fc.subarray(allActions), action, (of, madeFor, name) => {
        const expected = reachOf(of, name) !== '-' && madeFor.includes(name) && permissions[name].keys;
        expect(may({ role: of, actions: new Set(madeFor) }, name)).toBe(expected);
      }),
    );
  });

  it('never lets a key make keys, or manage people', () => {
    for (const name of ['api-key:create', 'member:manage', 'single-sign-on:manage'] as const)
      expect(permissions[name]).toMatchObject({ keys: false, stepUp: true });
  });

  it('has no role in two organisations, and the operator in none', () => {
    const given = [...rolesOfOrganisation('msp'), ...rolesOfOrganisation('tenant')];
    expect([...given, 'operator'].sort()).toEqual([...roles].sort());
  });
});
