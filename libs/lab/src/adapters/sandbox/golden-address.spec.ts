import type { Component, Profile } from '@vouch/contracts';
import { describe, expect, it } from 'vitest';
import { indexIdentity, type HostRelease } from '../host/host-release.js';
import { baseLayer, goldenDigest, profileLayer, recordName } from './golden-address.js';

const release = {
  stream: 'debian-12-amd64',
  source: { uri: 'http://deb.invalid/debian', suite: 'bookworm', components: ['main'], kind: 'release' },
  indexSha256: 'a'.repeat(64),
} as unknown as HostRelease;
const profile: Profile = {
  name: 'web',
  title: 'Web',
  stream: 'debian-12-amd64',
  components: [{ package: 'nginx' }],
  files: [{ path: '/etc/web.conf', content: 'a', mode: '0644' }],
  seed: ['echo one'],
  probes: [{ type: 'command', name: 'web answers', command: 'true' }],
} as Profile;
const nginx: Component = { package: 'nginx', version: '1', architecture: 'amd64', source: 'nginx', sourceVersion: '1' };

/** Everything that the address of a golden follows from. */
const address = (
  of: { release?: HostRelease; profile?: Profile; components?: Component[]; otherInit?: string[] } = {},
): { record: string; digest: string } => {
  const { release: on = release, profile: what = profile, components = [nginx], otherInit = [] } = of;
  const base = baseLayer(on).id;
  const layer = profileLayer(what, [base]).id;
  return {
    record: recordName(layer, what, otherInit),
    digest: goldenDigest(what, [layer, base], components, otherInit),
  };
};
const as = (change: Partial<Profile>): { profile: Profile } => ({ profile: { ...profile, ...change } as Profile });

describe('a golden', () => {
  it('is the same one when the same went in', () => {
    expect(address(structuredClone({ release, profile, components: [nginx] }))).toEqual(address());
  });

  it.each<[string, Parameters<typeof address>[0]]>([
    ['file', as({ files: [{ path: '/etc/web.conf', content: 'b', mode: '0644' }] as Profile['files'] })],
    [
      'permission of a file',
      as({ files: [{ path: '/etc/web.conf', content: 'a', mode: '0600' }] as Profile['files'] }),
    ],
    ['seed', as({ seed: ['echo two'] })],
    ['probe', as({ probes: [{ type: 'command', name: 'web answers', command: 'false' }] as Profile['probes'] })],
    ['package', as({ components: [{ package: 'apache2' }] })],
    ['version that is asked for', as({ components: [{ package: 'nginx', version: '1.22.1-9' }] })],
    ['title', as({ title: 'The web' })],
    ['index of the release', { release: { ...release, indexSha256: 'b'.repeat(64) } }],
    ['source', { release: { ...release, source: { ...release.source, uri: 'http://other.invalid/debian' } } }],
    ['first process', { otherInit: ['sysv'] }],
  ])('is built anew, and is another one, with another %s', (_what, change) => {
    const [before, after] = [address(), address(change)];
    expect(after.record).not.toBe(before.record);
    expect(after.digest).not.toBe(before.digest);
  });

  it('is another one when other versions were installed', () => {
    expect(address({ components: [{ ...nginx, version: '2' }] }).digest).not.toBe(address().digest);
  });

  it('of a machine without an index counts for a month', () => {
    const on = (day: string, text: string | null = null): string =>
      indexIdentity(text === null ? null : Buffer.from(text), new Date(day));
    expect(on('2026-03-01')).toBe(on('2026-03-31'));
    expect(on('2026-03-01', '')).toBe(on('2026-03-01'));
    expect(on('2026-03-01')).not.toBe(on('2026-04-01'));
    expect(on('2026-03-01', 'index')).toBe(on('2027-04-01', 'index'));
    expect(on('2026-03-01', 'index')).not.toBe(on('2026-03-01', 'other index'));
  });
});
