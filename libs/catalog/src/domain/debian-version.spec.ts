import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareDebianVersions } from './debian-version.js';

const FIXTURES = new URL('../../../../test/fixtures/debian/', import.meta.url);

const part = (alphabet: string): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength: 0, maxLength: 6 });
const version = fc
  .record({
    epoch: fc.option(fc.nat(3)),
    first: fc.constantFrom('0', '1', '9'),
    upstream: part('0123ab+.~-'),
    revision: fc.option(part('012b+.~').map((text) => `1${text}`)),
  })
  .map(({ epoch, first, upstream, revision }) =>
    [
      epoch === null ? '' : `${epoch}:`,
      first,
      // A dash is only allowed before another one, which starts the revision.
      revision === null ? upstream.replaceAll('-', '') : `${upstream}-${revision}`,
    ].join(''),
  );

describe('the order of Debian versions', () => {
  it.each([
    ['1.0~rc1', '<', '1.0'],
    ['1.0~~', '<', '1.0~'],
    ['1.0', '<', '1.0+b1'],
    ['1.2.3-1', '=', '1.2.3-01'],
    ['3.0.13-1', '>', '3.00+nmu1'],
    ['1:0.1', '>', '99'],
    ['0:1.0', '=', '1.0'],
    ['1.0-0', '=', '1.0'],
    ['7.88.1-10+deb12u5', '<', '7.88.1-10+deb12u15'],
    ['1.0a', '<', '1.0+'],
    ['99999999999999999999', '<', '100000000000000000000'],
  ])('%s %s %s', (a, sign, b) => {
    const expected = { '<': -1, '=': 0, '>': 1 }[sign];
    expect(Math.sign(compareDebianVersions(a, b))).toBe(expected);
  });

  it('is a total order', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(compareDebianVersions(a, a)).toBe(0);
        expect(Math.sign(compareDebianVersions(a, b))).toBe(0 - Math.sign(compareDebianVersions(b, a)));
        if (compareDebianVersions(a, b) <= 0 && compareDebianVersions(b, c) <= 0) {
          expect(compareDebianVersions(a, c)).toBeLessThanOrEqual(0);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.skipIf(!has('perl', ['-MDpkg::Version', '-e1']))("agrees with dpkg's own comparison", () => {
    const real = fs
      .readdirSync(FIXTURES)
      .filter((name) => name.endsWith('.subset'))
      .flatMap((name) =>
        [...fs.readFileSync(new URL(name, FIXTURES), 'utf8').matchAll(/^Version: (.+)$/gm)].map(
          (found) => found[1] ?? '',
        ),
      );
    const some = [...new Set([...real, ...fc.sample(version, { numRuns: 60, seed: 20081 })])];
    const pairs = some.flatMap((a) => some.map((b) => [a, b] as const));
    const theirs = dpkgCompare(pairs);
    const differing = pairs.flatMap(([a, b], i) => {
      const ours = Math.sign(compareDebianVersions(a, b));
      return ours === theirs[i] ? [] : [{ a, b, ours, theirs: theirs[i] }];
    });
    expect(pairs.length).toBeGreaterThan(5000);
    expect(differing).toEqual([]);
  });
});

/** dpkg's order of many pairs, by one process of its own library. */
function dpkgCompare(pairs: readonly (readonly [string, string])[]): number[] {
  const program = 'use Dpkg::Version; while (<STDIN>) { my ($a, $b) = split; print version_compare($a, $b), "\\n" }';
  const input = pairs.map((pair) => pair.join(' ')).join('\n');
  const answer = execFileSync('perl', ['-e', program], { input, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return answer.trim().split('\n').map(Number);
}

function has(program: string, parameters: string[]): boolean {
  try {
    execFileSync(program, parameters, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
