import type { Offer } from '@vouch/catalog';
import type { Component } from '@vouch/contracts';

/** A revision that a machine needs: binary packages of it are installed in an older version. */
export interface Need {
  readonly revisionId: string;
  readonly packages: readonly string[];
}

/**
 * Which offers are newer than what is installed. A suite's name never implies newer: only the version order decides,
 * package by package.
 *
 * @param components installed packages of one machine
 * @param offers by source package
 * @param compare version order of the stream: negative when the first is older
 */
export function needsOf(
  components: readonly Component[],
  offers: ReadonlyMap<string, Offer>,
  compare: (a: string, b: string) => number,
): Need[] {
  const packages = new Map<string, string[]>();
  for (const component of components) {
    const offer = offers.get(component.source);
    const artefact = offer?.artefacts.find(
      (a) =>
        a.package === component.package &&
        (a.architecture === component.architecture || a.architecture === 'all' || component.architecture === 'all'),
    );
    if (!offer || !artefact || compare(component.version, artefact.version) >= 0) continue;
    packages.set(offer.revisionId, [...(packages.get(offer.revisionId) ?? []), component.package]);
  }
  return [...packages].map(([revisionId, names]) => ({ revisionId, packages: [...new Set(names)].sort() }));
}
