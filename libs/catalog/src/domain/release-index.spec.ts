import { describe, expect, it } from 'vitest';
import { IndexMalformed, IndexOfAnotherSuite } from './errors.js';
import { checkSuite, parseRelease } from './release-index.js';

const digest = 'a'.repeat(64);
const text = `Origin: Debian
Suite: oldstable-security
Codename: bookworm-security
Date: Sat, 21 Nov 2026 09:10:11 UTC
Valid-Until: Sat, 28 Nov 2026 09:10:11 UTC
Acquire-By-Hash: yes
MD5Sum:
 d41d8cd98f00b204e9800998ecf8427e        0 main/binary-amd64/Packages
SHA256:
 ${digest}  1234 main/binary-amd64/Packages.xz
 not-a-digest 1 main/binary-amd64/Release
`;

describe('a Release file', () => {
  it('says whose it is, how long it holds, and which bytes belong to it', () => {
    const release = parseRelease(text);
    expect(release).toMatchObject({
      origin: 'Debian',
      suite: 'oldstable-security',
      codename: 'bookworm-security',
      acquireByHash: true,
    });
    expect(release.date.toISOString()).toBe('2026-11-21T09:10:11.000Z');
    expect(release.validUntil?.toISOString()).toBe('2026-11-28T09:10:11.000Z');
    expect([...release.files.values()]).toEqual([
      { path: 'main/binary-amd64/Packages.xz', sizeBytes: 1234, sha256: digest },
    ]);
  });

  it('may lack an end, but not a date or SHA-256 sums', () => {
    expect(parseRelease(text.replace(/^Valid-Until.*\n/m, '')).validUntil).toBeNull();
    expect(() => parseRelease(text.replace(/^Date.*\n/m, ''))).toThrow(IndexMalformed);
    expect(() => parseRelease(text.replace('Date: Sat', 'Date: soon'))).toThrow(IndexMalformed);
    expect(() => parseRelease(text.replace(/^Valid-Until:.*$/m, 'Valid-Until: later'))).toThrow(IndexMalformed);
    expect(() => parseRelease(text.replace(/^SHA256:[\s\S]*/m, ''))).toThrow(IndexMalformed);
  });
});

describe('the suite of an index', () => {
  it.each(['bookworm-security', 'oldstable-security'])('goes by its codename or its role: %s', (wanted) => {
    expect(() => checkSuite(parseRelease(text), wanted)).not.toThrow();
  });

  it('goes by its older name', () => {
    expect(() => checkSuite({ suite: 'oldoldstable', codename: 'buster' }, 'buster/updates')).not.toThrow();
  });

  it('is refused when it is another one, though properly signed', () => {
    expect(() => checkSuite(parseRelease(text), 'bookworm')).toThrow(IndexOfAnotherSuite);
    expect(() => checkSuite({ suite: '', codename: '' }, '/updates')).toThrow(IndexOfAnotherSuite);
  });
});
