import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cohortLabel, cohortTraits, rolesOf } from './cohort.js';

const fingerprint = (services: string[], version = '1') => ({
  osRelease: { id: 'debian', versionId: '12', codename: 'bookworm' },
  architecture: 'amd64',
  kernel: '6.1',
  services,
  components: [{ package: 'nginx', version, architecture: 'amd64', source: 'nginx', sourceVersion: version }],
});

describe('cohorts', () => {
  it.each([
    [['nginx.service', 'systemd-journald.service', 'dbus.service'], ['nginx']],
    [['postgresql@15-main.service', 'postgresql.service'], ['postgresql']],
    [['getty@tty1.service', 'vouch-agent.service'], []],
    [
      ['ssh.service', 'nginx.service', 'ssh.service'],
      ['nginx', 'ssh'],
    ],
  ])('services %j are roles %j', (services, roles) => {
    expect(rolesOf(services)).toEqual(roles);
  });

  it('do not depend on versions or on the order of services', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(['a.service', 'b.service', 'c@1.service', 'dbus.service']),
        fc.string(),
        (services, version) => {
          const other = cohortTraits(fingerprint([...services].reverse(), version));
          expect(cohortTraits(fingerprint(services))).toEqual(other);
        },
      ),
    );
  });

  it('are named for people', () => {
    expect(cohortLabel(cohortTraits(fingerprint(['nginx.service'])))).toBe('debian-12-amd64: nginx');
    expect(cohortLabel(cohortTraits(fingerprint([])))).toBe('debian-12-amd64, no services of its own');
  });
});
