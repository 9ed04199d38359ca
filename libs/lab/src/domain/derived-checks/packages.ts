import type { Component } from '@vouch/contracts';
import { tableOf, type DerivedCheck } from './derived-check.js';
import type { Look } from './look.js';

const SCRIPT = "dpkg-query -W -f='${binary:Package}\\t${db:Status-Abbrev} ${Version}\\n'";

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
      .map(([name, is]) => ({ key: name, detail: `${name} is in the state "${is.trim()}"` }));
  },
};

/** The packages that were installed when a machine was looked at. */
export function packagesIn(look: Look): Pick<Component, 'package' | 'version' | 'architecture'>[] {
  return [...tableOf(look.get(SCRIPT) ?? '')]
    .filter(([, state]) => state.startsWith('ii'))
    .map(([name, state]) => {
      const [own = '', architecture = ''] = name.split(':');
      return { package: own, version: state.split(/\s+/)[1] ?? '', architecture };
    });
}
