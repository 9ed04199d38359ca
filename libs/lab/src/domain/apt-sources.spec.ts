import { describe, expect, it } from 'vitest';
import { findReleaseSource, NoReleaseSource } from './apt-sources.js';

const deb822 = `Types: deb
# an archive of the past
URIs: http://mirror.example/debian
Suites: tiger tiger-updates
Components: main contrib
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: tiger-security
Components: main
`;

describe('findReleaseSource', () => {
  it('takes the release suite from a deb822 file, not updates, not security', () => {
    expect(findReleaseSource([{ name: 'debian.sources', text: deb822 }], 'tiger')).toEqual({
      uri: 'http://mirror.example/debian',
      suite: 'tiger',
      components: ['main', 'contrib'],
      signedBy: '/usr/share/keyrings/archive.gpg',
    });
  });

  it('reads the one-line style with options, comments and several lines for one suite', () => {
    const text = `# deb http://old.example/debian tiger main
deb [arch=amd64 signed-by=/usr/share/keyrings/k.asc] https://m.example/debian tiger main # the release
deb-src https://m.example/debian tiger main
deb https://m.example/debian tiger contrib
deb https://m.example/debian tiger-updates main`;
    expect(findReleaseSource([{ name: 'sources.list', text }], 'tiger')).toEqual({
      uri: 'https://m.example/debian',
      suite: 'tiger',
      components: ['main', 'contrib'],
      signedBy: '/usr/share/keyrings/k.asc',
    });
  });

  it.each([
    ['nothing at all', []],
    ['another distribution only', [{ name: 'a.list', text: 'deb http://m.example/x lion main' }]],
    ['a disabled stanza', [{ name: 'a.sources', text: deb822.replace('Types: deb\n', 'Types: deb\nEnabled: no\n') }]],
    ['sources without binaries', [{ name: 'a.list', text: 'deb-src http://m.example/x tiger main' }]],
  ])('says what is missing when there is %s', (_case, files) => {
    expect(() => findReleaseSource(files, 'tiger')).toThrow(NoReleaseSource);
  });

  it('leaves a key that stands inside the file to the system keyrings', () => {
    const text = `Types: deb
URIs: http://m.example/debian
Suites: tiger
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
`;
    expect(findReleaseSource([{ name: 'a.sources', text }], 'tiger')).not.toHaveProperty('signedBy');
  });
});
