import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IndexedPackage } from './packages-index.js';
import { revisionsOf } from './revision.js';

const digest = (n: number): string => n.toString(16).padStart(64, '0');

function build(more: Partial<IndexedPackage>): IndexedPackage {
  return {
    package: 'openssl',
    version: '3.0.22-1',
    architecture: 'amd64',
    fileName: 'pool/openssl.deb',
    sizeBytes: 1,
    sha256: digest(1),
    source: 'openssl',
    sourceVersion: '3.0.22-1',
    stanza: '',
    ...more,
  };
}

const indexed: fc.Arbitrary<IndexedPackage> = fc
  .record({
    package: fc.constantFrom('a', 'b', 'c'),
    version: fc.constantFrom('1', '1+b1', '2'),
    source: fc.constantFrom('x', 'y'),
    sourceVersion: fc.constantFrom('1', '2'),
    sha256: fc.nat(5).map(digest),
  })
  .map((facts) => build(facts));

describe('the revisions of a snapshot (I2)', () => {
  it('hold all binary packages of one source package at one version, and no other', () => {
    const revisions = revisionsOf([
      build({ package: 'openssl' }),
      build({ package: 'libssl3', sha256: digest(2) }),
      build({ package: 'libssl3', sourceVersion: '3.0.20-1', version: '3.0.20-1', sha256: digest(3) }),
      build({ package: 'curl', source: 'curl', sourceVersion: '8', sha256: digest(4) }),
    ]);
    expect(revisions.map((r) => [r.externalId, r.version, r.artefacts.map((a) => a.package)])).toEqual([
      ['openssl', '3.0.22-1', ['libssl3', 'openssl']],
      ['openssl', '3.0.20-1', ['libssl3']],
      ['curl', '8', ['curl']],
    ]);
  });

  it('are the same in whatever order an index lists the packages', () => {
    const sorted = (items: readonly IndexedPackage[]): unknown =>
      revisionsOf(items)
        .map((r) => `${r.externalId} ${r.version} ${r.metadataSha256} ${r.artefactsSha256}`)
        .sort();
    const shuffled = fc
      .array(indexed, { maxLength: 12 })
      .chain((items) =>
        fc.tuple(fc.constant(items), fc.shuffledSubarray(items, { minLength: items.length, maxLength: items.length })),
      );
    fc.assert(
      fc.property(shuffled, ([items, others]) => {
        expect(sorted(others)).toEqual(sorted(items));
      }),
    );
  });

  it('are others as soon as one byte is, under the same name and version', () => {
    const [before] = revisionsOf([build({ sha256: digest(1) })]);
    const [after] = revisionsOf([build({ sha256: digest(2) })]);
    expect(after).toMatchObject({ version: before?.version, metadataSha256: before?.metadataSha256 });
    expect(after?.artefactsSha256).not.toBe(before?.artefactsSha256);
  });

  it('are others when the same bytes go by another name', () => {
    const [before] = revisionsOf([build({ package: 'a' })]);
    const [after] = revisionsOf([build({ package: 'b' })]);
    expect(after?.artefactsSha256).toBe(before?.artefactsSha256);
    expect(after?.metadataSha256).not.toBe(before?.metadataSha256);
  });

  it('name a package once, as its newest build', () => {
    const [revision] = revisionsOf([
      build({ version: '3.0.22-1+b10', sha256: digest(10) }),
      build({ version: '3.0.22-1+b9', sha256: digest(9) }),
    ]);
    expect(revision?.artefacts.map((a) => a.version)).toEqual(['3.0.22-1+b10']);
  });
});
