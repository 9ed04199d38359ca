import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitOf, MINIMUM_FIT, nextEnvironment, type DeclaredEnvironment } from './environment-choice.js';

const environment = (name: string, ...packages: string[]): DeclaredEnvironment => ({
  name,
  packages,
  profileDigest: `digest of ${name}`,
});
const all = [
  environment('web', 'nginx', 'openssl'),
  environment('web-database', 'nginx', 'postgresql', 'openssl', 'openssh-server'),
  environment('postgresql', 'postgresql'),
  environment('files', 'samba', 'smbclient'),
  environment('php-database', 'nginx', 'php-fpm', 'php-mysql', 'mariadb-server'),
];
const choices = (installed: string[]): string[] => {
  const names: string[] = [];
  const chosen = new Set<string>();
  for (;;) {
    const next = nextEnvironment(all, new Set(installed), chosen);
    if (next === null) return names;
    names.push(next.environment.name);
    chosen.add(next.environment.profileDigest);
  }
};

describe('the environment to build for some machines', () => {
  it.each([
    [['nginx', 'openssl', 'postgresql'], 'web-database'],
    [['nginx', 'openssl'], 'web'],
    [['samba', 'openssl'], 'files'],
    [['nginx', 'php-fpm', 'php-mysql', 'mariadb-server', 'openssl'], 'php-database'],
  ])('of %j is %s', (installed, wanted) => {
    expect(choices(installed)[0]).toBe(wanted);
  });

  it('is none when nothing resembles them', () => {
    expect(choices(['emacs'])).toEqual([]);
  });

  const machines = fc.uniqueArray(fc.constantFrom(...new Set(all.flatMap((one) => one.packages)), 'other'));

  it('is chosen once each, never below the minimum, until nothing that fits is left', () => {
    fc.assert(
      fc.property(machines, (installed) => {
        const fitting = all.filter((one) => fitOf(one, new Set(installed)) >= MINIMUM_FIT).map((one) => one.name);
        expect([...choices(installed)].sort()).toEqual(fitting.sort());
      }),
    );
  });

  it('does not depend on the order in which profiles are declared', () => {
    fc.assert(
      fc.property(machines, fc.shuffledSubarray(all, { minLength: all.length }), (installed, shuffled) => {
        const pick = (list: readonly DeclaredEnvironment[]) => nextEnvironment(list, new Set(installed), new Set());
        expect(pick(shuffled)).toEqual(pick(all));
      }),
    );
  });
});
