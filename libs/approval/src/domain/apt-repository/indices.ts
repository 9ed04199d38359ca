import { createHash } from 'node:crypto';
import type { ApprovedPackage } from '../../apt-publisher.port.js';

/** Where a file stands in the pool: under its digest, so that a name never leads to other bytes. */
export function poolPath({ sha256, fileName }: Pick<ApprovedPackage, 'sha256' | 'fileName'>): string {
  return `pool/${sha256.slice(0, 2)}/${sha256}/${fileName.split('/').at(-1) ?? ''}`;
}

/**
 * The Packages index of exactly these files: each the vendor's own stanza, with our place in the pool.
 * Equal packages give equal text, in whatever order they come.
 * Source: Debian repository format, "Packages" indices.
 */
export function packagesIndex(packages: readonly ApprovedPackage[]): string {
  const unique = new Map(packages.map((item) => [item.sha256, item]));
  return [...unique.values()]
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
    .map((item) => stanzaOf(item))
    .join('\n');
}

const nameOf = (item: ApprovedPackage): string => `${item.package} ${item.version} ${item.architecture} ${item.sha256}`;

/** Bound to bytes, so written by us from what was tested; and the vendor's own phasing, which our rings replace. */
const OURS = /^(Filename|Size|MD5sum|SHA1|SHA256|SHA512|Phased-Update-Percentage)\s*:/i;

function stanzaOf(item: ApprovedPackage): string {
  const kept = item.stanza.split('\n').filter((line) => line.trim() !== '' && !OURS.test(line));
  return [...kept, `Filename: ${poolPath(item)}`, `Size: ${item.sizeBytes}`, `SHA256: ${item.sha256}`, ''].join('\n');
}

/** Where an index stands under its digest, so that one release file never leads to the index of another. */
export function byHashPath(path: string, sha256: string): string {
  return [...path.split('/').slice(0, -1), 'by-hash', 'SHA256', sha256].join('/');
}

export interface ReleaseFacts {
  readonly label: string;
  readonly suite: string;
  readonly component: string;
  readonly architecture: string;
  readonly date: Date;
  readonly validUntil: Date;
  /** Path below `dists/<suite>` and bytes of each index. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/**
 * The Release file over the indices, to be clear-signed.
 * Source: Debian repository format, "Release" files.
 */
export function releaseFile(facts: ReleaseFacts): string {
  const sums = [...facts.files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, bytes]) => ` ${createHash('sha256').update(bytes).digest('hex')} ${bytes.length} ${path}`);
  return [
    'Origin: Vouch',
    `Label: ${facts.label}`,
    `Suite: ${facts.suite}`,
    `Codename: ${facts.suite}`,
    `Date: ${facts.date.toUTCString().replace('GMT', 'UTC')}`,
    `Valid-Until: ${facts.validUntil.toUTCString().replace('GMT', 'UTC')}`,
    `Architectures: ${facts.architecture} all`,
    `Components: ${facts.component}`,
    'Acquire-By-Hash: yes',
    'SHA256:',
    ...sums,
    '',
  ].join('\n');
}
