import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Offer } from '@vouch/catalog';
import { needsOf } from './applicability.js';

const sha256 = 'a'.repeat(64);
const byNumber = (a: string, b: string) => Number(a) - Number(b);
const offer = (source: string, version: string, packages: string[], architecture = 'amd64'): [string, Offer] => [
  source,
  {
    revisionId: `revision-${source}`,
    source,
    version,
    artefacts: packages.map((name) => ({
      package: name,
      version,
      architecture,
      fileName: `${name}.deb`,
      sizeBytes: 1,
      sha256,
    })),
  },
];
const installed = (name: string, source: string, version: string, architecture = 'amd64') => ({
  package: name,
  source,
  version,
  sourceVersion: version,
  architecture,
});

describe('applicability', () => {
  it('finds the installed packages that are older than the offer', () => {
    const offers = new Map([offer('openssl', '9', ['openssl', 'libssl3', 'libssl-dev'])]);
    const machine = [
      installed('openssl', 'openssl', '10'),
      installed('libssl3', 'openssl', '8'),
      installed('bash', 'bash', '1'),
    ];
    expect(needsOf(machine, offers, byNumber)).toEqual([{ revisionId: 'revision-openssl', packages: ['libssl3'] }]);
  });

  it('offers no other architecture', () => {
    const offers = new Map([offer('nginx', '9', ['nginx'], 'arm64')]);
    expect(needsOf([installed('nginx', 'nginx', '1')], offers, byNumber)).toEqual([]);
  });

  it('never names a package that is as new as the offer, and none that is not installed', () => {
    const versions = fc.integer({ min: 1, max: 20 }).map(String);
    const machine = fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c'), version: versions }), {
      selector: (x) => x.name,
    });
    fc.assert(
      fc.property(machine, versions, (components, offered) => {
        const offers = new Map([offer('s', offered, ['a', 'b', 'x'])]);
        const [need] = needsOf(
          components.map((c) => installed(c.name, 's', c.version)),
          offers,
          byNumber,
        );
        const older = components
          .filter((c) => c.name !== 'c' && Number(c.version) < Number(offered))
          .map((c) => c.name)
          .sort();
        expect(need?.packages ?? []).toEqual(older);
      }),
    );
  });
});
