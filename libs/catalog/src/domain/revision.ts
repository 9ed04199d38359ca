import canonicalize from 'canonicalize';
import { createHash } from 'node:crypto';
import { compareDebianVersions } from './debian-version.js';
import type { IndexedPackage } from './packages-index.js';

/** All binary packages of one source package at one source version: what is tested and approved together. */
export interface OfferedRevision {
  readonly externalId: string;
  readonly version: string;
  /** Over what the vendor says of the revision, apart from the bytes. */
  readonly metadataSha256: string;
  /** Over the sorted set of the artefacts' SHA-256. */
  readonly artefactsSha256: string;
  readonly artefacts: readonly IndexedPackage[];
}

/** Groups packages to revisions. Other bytes under the same name and version are another revision (I2). */
export function revisionsOf(packages: Iterable<IndexedPackage>): OfferedRevision[] {
  const groups = new Map<string, IndexedPackage[]>();
  for (const item of packages) {
    const key = `${item.source} ${item.sourceVersion}`;
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return [...groups.values()].map((group) => revision(group));
}

function revision(group: IndexedPackage[]): OfferedRevision {
  const artefacts = newestBuilds(group).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const { source: externalId = '', sourceVersion: version = '' } = artefacts[0] ?? {};
  return {
    externalId,
    version,
    metadataSha256: sha256(
      canonicalize({
        externalId,
        version,
        packages: artefacts.map((a) => ({ package: a.package, version: a.version, architecture: a.architecture })),
      }) ?? '',
    ),
    artefactsSha256: sha256([...new Set(artefacts.map((a) => a.sha256))].sort().join('\n')),
    artefacts,
  };
}

/** A suite may carry a package and its rebuild, both of one source version. Machines would install the newer one. */
function newestBuilds(group: readonly IndexedPackage[]): IndexedPackage[] {
  const builds = new Map<string, IndexedPackage>();
  for (const item of group) {
    const known = builds.get(nameOf(item));
    if (known === undefined || isNewer(item, known)) builds.set(nameOf(item), item);
  }
  return [...builds.values()];
}

/** Two files of one name and version cannot be told apart by it; then the digest decides, whatever the order. */
function isNewer(a: IndexedPackage, b: IndexedPackage): boolean {
  return (compareDebianVersions(a.version, b.version) || (a.sha256 > b.sha256 ? 1 : -1)) > 0;
}

const nameOf = (item: IndexedPackage): string => `${item.package} ${item.architecture}`;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
