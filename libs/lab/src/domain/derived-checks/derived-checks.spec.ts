import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACCOUNTS, SCHEDULES } from './accounts.js';
import type { DerivedCheck, Seen } from './derived-check.js';
import { FILES_OUTSIDE, PERMISSIONS, PRIVILEGES, SETTINGS_KEPT } from './files.js';
import {
  beyondControl,
  compareLooks,
  DERIVED_CHECKS,
  LookIncomplete,
  lookScript,
  readLook,
  resultOf,
} from './index.js';
import { JOURNAL_CLEAN, normalised } from './journal.js';
import { PACKAGES_KEPT, PACKAGES_WHOLE } from './packages.js';
import { DISK, MEMORY, PROCESSES, STRAYS } from './resources.js';
import { SERVICES_ENABLED, SERVICES_QUICK, SERVICES_RUN, SERVICES_STEADY } from './services.js';
import { SOCKETS_NEW, SOCKETS_OPEN } from './sockets.js';
import { KERNEL_SETTINGS, MOUNTS, NETWORK } from './system.js';

const seen = (before: string, now: string, more: Partial<Seen> = {}): Seen => ({
  before,
  now,
  restarted: false,
  files: [],
  owned: new Set(),
  packages: ['acme'],
  patchBytes: 1024,
  ...more,
});
const keys = (check: DerivedCheck, given: Seen): string[] => check.findings(given).map(({ key }) => key);

const unit = (id: string, { state = 'active', enabled = 'enabled', restarts = 0, startMs = 100 } = {}): string =>
  `NRestarts=${restarts}\nId=${id}\nActiveState=${state}\nUnitFileState=${enabled}\nInactiveExitTimestampMonotonic=1000000\nActiveEnterTimestampMonotonic=${1_000_000 + startMs * 1000}\n`;
const units = (...all: string[]): string => all.join('\n');

const ss = (socket: string, program: string): string =>
  `tcp LISTEN 0 128 ${socket} 0.0.0.0:* users:(("${program}",pid=7,fd=3))`;
const rights = (of: string): string =>
  `/etc/k\t${of}\n: root:x:0:0::/root:/bin/sh\n: www:x:33:33::/:/bin/sh\n: root:x:0:\n`;
const sum = (digit: string, path: string): string => `${digit.repeat(64)}  ${path}`;
const snmp = (noRoutes: number, noPorts: number): string =>
  `Ip: Forwarding OutNoRoutes\nIp: 2 ${noRoutes}\nUdp: InDatagrams NoPorts\nUdp: 9 ${noPorts}\n`;
const df = (used: number, free: number): string => `overlay 1000000 ${used} ${free} 10% /\n`;
const processes = (group: string, ...sizes: number[]): string => sizes.map((size) => `${group}\t${size}\n`).join('');
const alternative = (name: string, target: string, owner: 'owned' | 'unknown' = 'owned'): string =>
  ['/etc/alternatives', '/usr/bin'].map((folder) => `${folder}/${name}\t${target}\t${owner}\tfree\n`).join('');
const file = (path: string, change: 'added-or-changed' | 'removed' = 'added-or-changed') => ({
  path,
  change,
  kind: 'file',
});

describe('derived checks', () => {
  it.each<[string, DerivedCheck, Seen, string[]]>([
    ['a service that still runs', SERVICES_RUN, seen(unit('a.service'), unit('a.service')), []],
    ['a stopped service', SERVICES_RUN, seen(unit('a.service'), unit('a.service', { state: 'failed' })), ['a.service']],
    ['a service that is gone', SERVICES_RUN, seen(unit('a.service'), ''), ['a.service']],
    [
      'one that did not run before',
      SERVICES_RUN,
      seen(unit('a.service', { state: 'inactive' }), unit('a.service', { state: 'failed' })),
      [],
    ],
    ['a new service', SERVICES_RUN, seen('', unit('b.service', { state: 'failed' })), []],
    ['the session of a user', SERVICES_RUN, seen(unit('user@0.service'), ''), []],
    [
      'a disabled service',
      SERVICES_ENABLED,
      seen(unit('a.service'), unit('a.service', { enabled: 'disabled' })),
      ['a.service'],
    ],
    [
      'a service that was restarted by systemd',
      SERVICES_STEADY,
      seen(units(unit('a.service'), unit('b.service')), units(unit('a.service', { restarts: 2 }), unit('b.service'))),
      ['a.service'],
    ],
    ['a slow start', SERVICES_QUICK, seen(unit('a.service'), unit('a.service', { startMs: 9000 })), ['a.service']],
    ['a busy host', SERVICES_QUICK, seen(unit('a.service'), unit('a.service', { startMs: 4200 })), []],
    ['a closed port', SOCKETS_OPEN, seen(ss('0.0.0.0:80', 'nginx'), ''), ['tcp 0.0.0.0:80']],
    [
      'the same port on another address',
      SOCKETS_OPEN,
      seen(ss('0.0.0.0:80', 'n'), ss('127.0.0.1:80', 'n')),
      ['tcp 0.0.0.0:80'],
    ],
    ['another program on a port', SOCKETS_OPEN, seen(ss('*:80', 'nginx'), ss('*:80', 'nc')), ['tcp *:80']],
    ['an open port', SOCKETS_NEW, seen('', ss('*:4444', 'nc')), ['tcp *:4444']],
    ['a UDP port that the system picks', SOCKETS_NEW, seen('', 'udp UNCONN 0 0 127.0.0.1:40000 0.0.0.0:*'), []],
    ['a removed package', PACKAGES_KEPT, seen('a\tii  1\nb\tii  1\n', 'a\tii  2\nb\trc  1\n'), ['b']],
    ['a half-installed package', PACKAGES_WHOLE, seen('a\tii  1\n', 'a\tiF  2\n'), ['a']],
    ['settings left for a person', SETTINGS_KEPT, seen('', '/etc/a.conf.dpkg-dist\n'), ['/etc/a.conf.dpkg-dist']],
    [
      'an error that was there before, with other numbers',
      JOURNAL_CLEAN,
      seen('2026-01-02T03:04:05+0000 lab a[12]: try 3 failed', '2026-01-02T03:09:05+0000 lab a[99]: try 4 failed'),
      [],
    ],
    ['a new error', JOURNAL_CLEAN, seen('', '2026-01-02T03:04:05+0000 lab a[1]: broken'), ['a[<n>]: broken']],
    [
      'a file of another package',
      FILES_OUTSIDE,
      seen('', '', { files: [file('/usr/bin/x'), file('/bin/own')], owned: new Set(['/usr/bin/own']) }),
      ['added-or-changed /usr/bin/x'],
    ],
    ['data of a service', FILES_OUTSIDE, seen('', '', { files: [file('/var/lib/a/data')] }), []],
    ['what triggers write', FILES_OUTSIDE, seen('', '', { files: [file('/etc/ld.so.cache')] }), []],
    [
      'a file that its script writes into its folder',
      FILES_OUTSIDE,
      seen('', '', { files: [file('/usr/lib/acme/x')] }),
      [],
    ],
    [
      'a new name for a program of a package',
      FILES_OUTSIDE,
      seen(alternative('awk', '/usr/bin/mawk'), alternative('awk', '/usr/bin/mawk') + alternative('pr', '/bin/acme'), {
        files: [file('/usr/bin/pr'), file('/etc/alternatives/pr')],
      }),
      [],
    ],
    [
      'a new name for a program of nobody',
      FILES_OUTSIDE,
      seen('', alternative('pr', '/opt/pr', 'unknown'), { files: [file('/usr/bin/pr'), file('/etc/alternatives/pr')] }),
      ['added-or-changed /usr/bin/pr', 'alternative /etc/alternatives/pr /opt/pr', 'alternative /usr/bin/pr /opt/pr'],
    ],
    [
      'a name that leads to another program of a package',
      FILES_OUTSIDE,
      seen(alternative('awk', '/usr/bin/mawk'), alternative('awk', '/usr/bin/gawk'), {
        files: [file('/etc/alternatives/awk')],
      }),
      [],
    ],
    [
      'a name that leads to a program of nobody',
      FILES_OUTSIDE,
      seen(alternative('awk', '/usr/bin/mawk'), alternative('awk', '/var/lib/acme/awk', 'unknown'), {
        files: [file('/etc/alternatives/awk')],
      }),
      ['alternative /etc/alternatives/awk /var/lib/acme/awk', 'alternative /usr/bin/awk /var/lib/acme/awk'],
    ],
    [
      'a name that led to a program of nobody before',
      FILES_OUTSIDE,
      seen(alternative('awk', '/opt/awk', 'unknown'), alternative('awk', '/opt/awk', 'unknown')),
      [],
    ],
    [
      'a link in the place of a program of another package',
      FILES_OUTSIDE,
      seen('', '/usr/bin/ls\t/usr/bin/acme\towned\ttaken\n', { files: [file('/usr/bin/ls')] }),
      ['added-or-changed /usr/bin/ls', 'alternative /usr/bin/ls /usr/bin/acme'],
    ],
    [
      'links that cannot be listed any more',
      FILES_OUTSIDE,
      seen(alternative('awk', '/usr/bin/mawk'), ''),
      ['alternatives'],
    ],
    ['a removed setting', FILES_OUTSIDE, seen('', '', { files: [file('/etc/a', 'removed')] }), ['removed /etc/a']],
    ['a file that runs as root', PRIVILEGES, seen('', '/usr/bin/x\tf 4755 root'), ['/usr/bin/x f 4755 root']],
    ['one that did so before', PRIVILEGES, seen('/bin/su\tf 4755 root', '/bin/su\tf 4755 root'), []],
    ['an opened secret', PERMISSIONS, seen(rights('600 0:0'), rights('644 0:0')), ['/etc/k 644 root:root']],
    ['a secret with another owner', PERMISSIONS, seen(rights('600 0:0'), rights('600 33:0')), ['/etc/k 600 www:root']],
    ['a secret of nobody', PERMISSIONS, seen(rights('600 0:0'), rights('600 7:8')), ['/etc/k 600 7:8']],
    [
      'a secret of its own, closed further',
      PERMISSIONS,
      seen(rights('644 0:0'), rights('640 0:0'), { owned: new Set(['/etc/k']) }),
      [],
    ],
    ['a user who can log in', ACCOUNTS, seen('', '/etc/passwd:eve:x:1001:1001::/home/eve:/bin/bash'), ['user eve']],
    ['a second root', ACCOUNTS, seen('', '/etc/passwd:eve:x:0:0::/:/usr/sbin/nologin'), ['user eve']],
    ['a user for a service', ACCOUNTS, seen('', '/etc/passwd:bind:x:110:110::/var/cache/bind:/usr/sbin/nologin'), []],
    ['a changed password', ACCOUNTS, seen('/etc/shadow:root:*:1:', '/etc/shadow:root:$6$x:1:'), ['password root']],
    ['the day of a password', ACCOUNTS, seen('/etc/shadow:root:*:1:', '/etc/shadow:root:*:2:'), []],
    ['somebody more in sudo', ACCOUNTS, seen('/etc/group:sudo:x:27:', '/etc/group:sudo:x:27:eve'), ['group sudo']],
    ['somebody more in a group for games', ACCOUNTS, seen('', '/etc/group:games:x:60:eve'), []],
    ['a key', ACCOUNTS, seen('', sum('a', '/root/.ssh/authorized_keys')), ['file /root/.ssh/authorized_keys']],
    ['a cron job', SCHEDULES, seen('', sum('a', '/etc/cron.d/a')), ['/etc/cron.d/a']],
    ['a timer', SCHEDULES, seen('', 'enabled /etc/systemd/system/a.timer'), ['/etc/systemd/system/a.timer']],
    [
      'a cron job of its own that changed',
      SCHEDULES,
      seen(sum('a', '/etc/cron.d/a'), sum('c', '/etc/cron.d/a'), { owned: new Set(['/etc/cron.d/a']) }),
      [],
    ],
    ['a connection', NETWORK, seen(snmp(0, 0), snmp(2, 0)), ['OutNoRoutes']],
    ['a connection by IPv6', NETWORK, seen(snmp(0, 0), `${snmp(0, 0)}Ip6OutNoRoutes  \t3\n`), ['Ip6OutNoRoutes']],
    ['what a service tries each time that it starts', NETWORK, seen(snmp(20, 0), snmp(45, 0)), []],
    ['connections as before, after a restart', NETWORK, seen(snmp(0, 4), snmp(0, 7), { restarted: true }), []],
    ['a mount', MOUNTS, seen('overlay on /', 'overlay on /\ntmpfs on /srv'), ['tmpfs on /srv']],
    ['a router', KERNEL_SETTINGS, seen('/proc/sys/a\t0', '/proc/sys/a\t1'), ['/proc/sys/a']],
    ['the next minute', KERNEL_SETTINGS, seen('clock x\t10', 'clock x\t11'), []],
    ['another time', KERNEL_SETTINGS, seen('clock x\t10', 'clock x\t70'), ['clock x']],
    ['a leak', MEMORY, seen(processes('/a.service', 1000), processes('/a.service', 90_000)), ['/a.service']],
    ['a little more memory', MEMORY, seen(processes('/a', 100_000), processes('/a', 150_000)), []],
    ['many processes', PROCESSES, seen(processes('/a', 1), processes('/a', ...Array<number>(13).fill(1))), ['/a']],
    ['two more processes', PROCESSES, seen(processes('/a', 1), processes('/a', 1, 1, 1)), []],
    ['a process left behind', STRAYS, seen('', 'sleep 9999 \n'), ['sleep 9999']],
    ['a full disk', DISK, seen(df(10, 1000), df(1010, 0)), ['disk']],
    ['much more disk', DISK, seen(df(10, 900_000), df(400_000, 500_000)), ['disk']],
    ['a little more disk', DISK, seen(df(10, 900_000), df(100_000, 800_000)), []],
  ])('%s', (_case, check, given, expected) => {
    expect(keys(check, given)).toEqual(expected);
  });

  it('find nothing where nothing changed, whatever there is', () => {
    const line = fc.stringMatching(/^[ -~]{0,40}$/);
    const text = fc.array(line, { maxLength: 8 }).map((lines) => lines.join('\n'));
    const quiet = DERIVED_CHECKS.filter((check) => ![STRAYS, DISK].includes(check));
    fc.assert(
      fc.property(text, (same) => {
        for (const check of quiet) expect(check.findings(seen(same, same)), check.name).toEqual([]);
      }),
    );
  });

  it('have names of their own, and say every finding in one line', () => {
    expect(new Set(DERIVED_CHECKS.map(({ name }) => name)).size).toBe(DERIVED_CHECKS.length);
  });
});

describe('normalised', () => {
  it('keeps words and drops what differs from time to time', () => {
    expect(normalised('job 12 of 3f2a9c4d5e6f7a8b failed at 0xdeadbeef')).toBe('job <n> of <id> failed at <n>');
  });
});

describe('a look', () => {
  it('gives each check what its own script printed', () => {
    const script = lookScript(DERIVED_CHECKS, ['nginx'], 'LOOK_MARK-7');
    expect(script).toContain("dpkg -L 'nginx'");
    const scripts = [...new Set(DERIVED_CHECKS.map((check) => check.script))];
    const output = [
      ...scripts.map((_, i) => `LOOK_MARK-7 ${i}\noutput ${i}\nLOOK_MARK ${i + 1}\n`),
      `LOOK_MARK-7 ${scripts.length}\n/bin/x\n`,
    ];
    const { look, owned } = readLook(output.join(''), DERIVED_CHECKS, 'LOOK_MARK-7');
    scripts.forEach((text, i) => expect(look.get(text)).toBe(`output ${i}\nLOOK_MARK ${i + 1}\n`));
    expect(owned).toContain('/usr/bin/x');
  });

  it('that was cut off is none', () => {
    expect(() => readLook(`LOOK_MARK-7 0\n${unit('a.service')}`, DERIVED_CHECKS, 'LOOK_MARK-7')).toThrow(
      LookIncomplete,
    );
  });

  it('is compared check by check', () => {
    const before = new Map([[SERVICES_RUN.script, unit('a.service')]]);
    const circumstances = { restarted: false, files: [], owned: new Set<string>(), packages: [], patchBytes: 0 };
    const found = compareLooks([SERVICES_RUN, SOCKETS_NEW], before, new Map(), circumstances);
    expect([...found].map(([name, list]) => [name, list.length])).toEqual([
      [SERVICES_RUN.name, 1],
      [SOCKETS_NEW.name, 0],
    ]);
  });
});

describe('beyondControl', () => {
  const found = (key: string, amount?: number) => ({ key, detail: key, ...(amount === undefined ? {} : { amount }) });
  it.each([
    ['what is only there with the patch', [found('a')], [], ['a']],
    ['what changes by itself', [found('a'), found('b')], [found('a')], ['b']],
    ['about as much as without', [found('n', 7)], [found('n', 3)], []],
    ['clearly more than without', [found('n', 9)], [found('n', 3)], ['n']],
  ])('%s', (_case, list, control, expected) => {
    expect(beyondControl(list, control).map(({ key }) => key)).toEqual(expected);
  });

  it('never blames a patch for more than was found, nor for anything that a control found alike', () => {
    const findings = fc.array(fc.constantFrom('a', 'b', 'c', 'd').map((key) => found(key)));
    fc.assert(
      fc.property(findings, findings, (list, control) => {
        const own = beyondControl(list, control);
        expect(list).toEqual(expect.arrayContaining(own));
        for (const { key } of own) expect(control.map((usual) => usual.key)).not.toContain(key);
      }),
    );
  });
});

describe('resultOf', () => {
  it('shows the first findings and counts the rest', () => {
    const many = Array.from({ length: 8 }, (_, i) => ({ key: `${i}`, detail: `thing ${i}` }));
    expect(resultOf('x', many, 5)).toMatchObject({ ok: false, detail: expect.stringMatching(/thing 4; and 3 more$/) });
    expect(resultOf('x', [], 5)).toMatchObject({ ok: true });
  });
});
