import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ApprovedPackage } from '../../apt-publisher.port.js';
import { packagesIndex, poolPath, releaseFile } from './indices.js';

const digest = (n: number): string => n.toString(16).padStart(64, 'a');

const approved = (n: number, stanza = `Package: p${n}\nVersion: 1\nArchitecture: all\n`): ApprovedPackage => ({
  package: `p${n}`,
  version: '1',
  architecture: 'all',
  fileName: `pool/main/p/p${n}_1_all.deb`,
  sizeBytes: n,
  sha256: digest(n),
  stanza,
});

describe('the Packages index of a channel', () => {
  it('binds every package to the tested bytes, whatever the vendor wrote (I1)', () => {
    const stanza = [
      'Package: p1',
      'Version: 1',
      'Phased-Update-Percentage: 0',
      'Filename: pool/elsewhere.deb',
      'size: 99',
      `SHA256: ${digest(9)}`,
      'MD5sum: 00',
      'Description: first line',
      ' second line',
      '',
      'Package: smuggled',
    ].join('\n');
    expect(packagesIndex([approved(1, stanza)]).split('\n')).toEqual([
      'Package: p1',
      'Version: 1',
      'Description: first line',
      ' second line',
      'Package: smuggled',
      `Filename: pool/aa/${digest(1)}/p1_1_all.deb`,
      'Size: 1',
      `SHA256: ${digest(1)}`,
      '',
    ]);
  });

  it('is the same for the same packages, in any order and named by several approvals', () => {
    const some = fc.array(fc.nat(9).map((n) => approved(n)));
    fc.assert(
      fc.property(some, (packages) => {
        const index = packagesIndex(packages);
        expect(packagesIndex([...packages].reverse())).toBe(index);
        expect(packagesIndex([...packages, ...packages])).toBe(index);
        expect(index.match(/^Filename: .*$/gm) ?? []).toEqual(
          [...new Set(packages.map((item) => `Filename: ${poolPath(item)}`))].sort(),
        );
      }),
    );
  });

  it('never leads out of the pool', () => {
    expect(poolPath({ sha256: digest(1), fileName: '../../etc/x.deb' })).toBe(`pool/aa/${digest(1)}/x.deb`);
  });
});

describe('the Release file of a channel', () => {
  it('says whose it is, how long it holds and which indices belong to it', () => {
    const text = releaseFile({
      label: 'channel-1',
      suite: 'ring-1',
      component: 'main',
      architecture: 'amd64',
      date: new Date('2026-11-23T12:00:00Z'),
      validUntil: new Date('2026-11-24T12:00:00Z'),
      files: new Map([['main/binary-amd64/Packages', Buffer.from('abc')]]),
    });
    expect(text).toContain('Origin: Vouch\nLabel: channel-1\nSuite: ring-1\nCodename: ring-1\n');
    expect(text).toContain('Date: Mon, 23 Nov 2026 12:00:00 UTC\nValid-Until: Tue, 24 Nov 2026 12:00:00 UTC\n');
    expect(text).toMatch(/\nSHA256:\n ba7816bf\w{56} 3 main\/binary-amd64\/Packages\n$/);
  });
});
