import type { Artefact, Component } from '@vouch/contracts';

/** A file that a vendor offers, and the vendor's own words about it. */
export interface OfferedArtefact extends Artefact {
  /** Its stanza in the vendor's index, in Debian's control syntax. */
  readonly stanza: string;
}

/**
 * What of a revision is to be installed on a golden: the packages that it has, and those that they need from the same
 * revision and that are new, as a kernel of a new version, which comes under a new name.
 */
export function patchForGolden(offered: readonly OfferedArtefact[], components: readonly Component[]): Artefact[] {
  const byName = new Map(offered.map((artefact) => [artefact.package, artefact]));
  const wanted = offered.filter((artefact) => components.some((own) => own.package === artefact.package));
  const chosen = new Set(wanted.map((artefact) => artefact.package));
  for (const name of chosen) {
    for (const need of dependenciesOf(byName.get(name)?.stanza ?? '')) if (byName.has(need)) chosen.add(need);
  }
  return offered.filter((artefact) => chosen.has(artefact.package)).map(({ stanza: _stanza, ...artefact }) => artefact);
}

/** First alternatives of the fields that must be there before a package works (Debian Policy 7.2). */
function dependenciesOf(stanza: string): string[] {
  const fields = [...stanza.matchAll(/^(?:Pre-)?Depends:((?:[^\n]|\n[ \t])*)/gim)].map(([, value = '']) => value);
  return fields
    .flatMap((value) => value.split(','))
    .map((clause) => /^\s*([a-z0-9][a-z0-9.+-]*)/.exec(clause)?.[1] ?? '')
    .filter((name) => name !== '');
}
