import { describe, expect, it } from 'vitest';
import { dearmourKeys } from './armour.js';
import { chooseSources, parseDeb822Sources, parseOneLineSources } from './apt-sources.js';

const deb822 = `Types: deb deb-src
# the base system
URIs: http://mirror.example/debian/ http://second.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
Enabled: FALSE
URIs: http://switched-off.example/debian-security
Suites: bookworm-security
Components: main

Types: deb-src
URIs: http://source-only.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 aGVsbG8=
 -----END PGP PUBLIC KEY BLOCK-----
`;

describe('a .sources file', () => {
  const sources = parseDeb822Sources(deb822);

  it('gives every address with every suite, of what is switched on', () => {
    expect(sources.map(({ uri, suite }) => `${uri} ${suite}`)).toEqual([
      'http://mirror.example/debian bookworm',
      'http://mirror.example/debian bookworm-updates',
      'http://second.example/debian bookworm',
      'http://second.example/debian bookworm-updates',
      'http://mirror.example/debian-security bookworm-security',
    ]);
    expect(sources[0]).toMatchObject({
      components: ['main', 'contrib'],
      signedBy: '/usr/share/keyrings/debian-archive-keyring.gpg',
    });
  });

  it('may carry its key in it', () => {
    const inline = sources.at(-1)?.signedBy?.replace(/^\.$/m, '') ?? '';
    expect(dearmourKeys(inline)?.toString()).toBe('hello');
  });
});

describe('a .list file', () => {
  it('gives its binary sources with their key', () => {
    const text = [
      '# deb http://comment.example bookworm main',
      'deb-src http://mirror.example/debian bookworm main',
      'deb [arch=amd64 signed-by=/etc/key.gpg] http://mirror.example/debian/ bookworm main contrib # why',
      ' deb http://mirror.example/debian-security bookworm-security main',
      'deb http://flat.example/ ./',
    ].join('\n');
    expect(parseOneLineSources(text)).toEqual([
      {
        uri: 'http://mirror.example/debian',
        suite: 'bookworm',
        components: ['main', 'contrib'],
        signedBy: '/etc/key.gpg',
      },
      {
        uri: 'http://mirror.example/debian-security',
        suite: 'bookworm-security',
        components: ['main'],
        signedBy: null,
      },
      { uri: 'http://flat.example', suite: './', components: [], signedBy: null },
    ]);
  });
});

describe('the sources of a distribution', () => {
  const source = (suite: string, uri = 'http://mirror.example', components = ['main']) => ({
    uri,
    suite,
    components,
    signedBy: null,
  });

  it('are its security and release suites, and no other of what a machine reads', () => {
    const chosen = chooseSources(
      [
        source('nodistro'),
        source('trixie'),
        source('bookworm-updates'),
        source('bookworm', 'cdrom://disc'),
        source('bookworm', 'http://extra.example', ['contrib']),
        source('bookworm'),
        source('bookworm-security'),
      ],
      'bookworm',
    );
    expect(chosen.map(({ kind, suite, uri }) => [kind, suite, uri])).toEqual([
      ['security', 'bookworm-security', 'http://mirror.example'],
      ['release', 'bookworm', 'http://mirror.example'],
    ]);
  });
});
