import type { Component } from '@vouch/contracts';
import { tableOf, type DerivedCheck } from './derived-check.js';
import type { Look } from './look.js';

const FIELDS = ['db:Status-Abbrev', 'Version', 'Architecture', 'source:Package', 'source:Version'];
const SCRIPT = `dpkg-query -W -f='\${binary:Package}\\t${FIELDS.map((name) => `\${${name}}`).join(' ')}\\n'`;

export const PACKAGES_KEPT: DerivedCheck = {
  name: 'no package was removed',
  script: SCRIPT,
  findings: ({ before, now }) => {
    const after = tableOf(now);
    return [...tableOf(before)]
      .filter(([name, was]) => was.startsWith('ii') && !after.get(name)?.startsWith('i'))
      .map(([name]) => ({ key: name, detail: `${name} is no longer installed` }));
  },
};

export const PACKAGES_WHOLE: DerivedCheck = {
  name: 'no package was left half installed',
  script: SCRIPT,
  findings: ({ before, now }) => {
    const was = tableOf(before);
    return [...tableOf(now)]
      .filter(([name, is]) => /^i[^i]/.test(is) && was.get(name) !== is)
      .map(([name, is]) => ({ key: name, detail: `${name} is in the state "${is.slice(0, 3).trim()}"` }));
  },
};

/** The packages that were installed when a machine was looked at, in the order of their names. */
export function packagesIn(look: Look): Component[] {
  return [...tableOf(look.get(SCRIPT) ?? '')]
    .filter(([, state]) => state.startsWith('ii'))
    .map(([name, state]) => {
      const [, version = '', architecture = '', source = '', sourceVersion = ''] = state.split(/\s+/);
      return { package: name.split(':')[0] ?? '', version, architecture, source, sourceVersion };
    })
    .sort((a, b) => (`${a.package}:${a.architecture}` < `${b.package}:${b.architecture}` ? -1 : 1));
}
