import { Machine } from '@vouch/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  compareLooks,
  completed,
  DERIVED_CHECKS,
  lookScript,
  onlyOf,
  pathsToWalk,
  readLook,
  walkedOf,
  type Look,
} from '../../libs/lab/src/domain/derived-checks/index.js';
import { PREPARE_WALK, WALK, WALK_SCRIPT, walkOf } from '../../libs/lab/src/domain/derived-checks/walk.js';
import { fileDiff, type WrittenFiles } from '../../libs/lab/src/domain/machine-diff.js';
import { NO_LAB, openLab, type Lab } from './lab-fixture.js';

const ODD_FILES = `set -e
mkdir -p /etc/a/b/c/d/e /srv/shared /srv/open /opt/deep/1/2/3/4 /usr/local/bin
touch /etc/a/b/c/d/five-deep /etc/a/b/c/four-deep '/srv/two words' "/srv/$(printf 'a\\ttab')" "/srv/$(printf 'two\\nlines')"
cp /bin/true /opt/deep/1/runs-as-root && chmod 4755 /opt/deep/1/runs-as-root
cp /bin/true /usr/local/bin/ours && chmod 0755 '/srv/two words'
chmod 1777 /srv/shared && chmod 0777 /srv/open && chmod 0666 /etc/a/b/c/d/five-deep
ln -s /etc/alternatives/odd /usr/bin/odd && ln -s /bin/true /etc/alternatives/odd && ln -s /etc/alternatives/odd /usr/local/bin/odd
ln -s /etc/passwd /srv/link
mkdir -p /etc/deep/er && touch /etc/x.dpkg-dist /etc/a.ucf-dist /etc/deep/er/b.dpkg-new /etc/c.dpkg-dist /etc/deep/d.ucf-dist /srv/e.dpkg-dist`;

/** What a find of its own for each list says: the slow way, which the walk takes the place of. */
const ONE_BY_ONE: Readonly<Record<keyof typeof WALK, string>> = {
  rights: `find / -xdev \\( -type f -o -type d \\) \\( -perm /6000 -o -perm -0002 ! -perm -1000 \\) ! -path '/var/log/journal*' -printf '%p\\t%y %m %u\\n'`,
  kept: `find /etc /root /home /srv /opt /var/lib -maxdepth 4 -xdev ! -type l ! -path '/var/lib/systemd/*' -printf '%p\\t%m %U:%G\\n'`,
  programs: `find /usr /opt /srv /home /root -xdev -type f -perm /111 -print0`,
  alternatives: `find /usr /etc -xdev -path /usr/local -prune -o -type l \\( -path '/etc/alternatives/*' -o -lname '/etc/alternatives/*' \\) -print0`,
  undecided: `find /etc -xdev \\( -name '*.dpkg-dist' -o -name '*.dpkg-new' -o -name '*.ucf-dist' \\)`,
};

/** What every check that reads lists of the walk has to find something of, done to files of the golden and to new ones. */
const HARM = `set -e
chmod 0777 /usr/share/perl5 && chmod u+s /usr/bin/env && chmod 0666 /etc/hostname /etc/deep/d.ucf-dist
mkdir -m 0755 /opt/new && cp /bin/true /opt/new/as-root && chmod 6755 /opt/new/as-root
perl -e 'my ($f, $n, $v) = ("/usr/bin/mawk", "security.capability", pack("V5", 0x02000001, 1, 0, 0, 0)); syscall(188, $f, $n, $v, 20, 0) == 0 or die $!'
rm -rf /etc/a/b && mkdir -p /etc/a/b/c/d && touch /etc/a/b/c/four-deep && chmod 0600 /etc/a/b/c/four-deep
mv /etc/pam.d /etc/pam.was && mkdir -m 0777 /etc/pam.d
rm /etc/alternatives/awk && ln -s /opt/new/as-root /etc/alternatives/awk && rm /usr/bin/pager /usr/bin/mawk.was 2> /dev/null || :
touch /etc/late.dpkg-new && chown 33:33 /etc/shadow && sed -i 's/^www-data:/web:/' /etc/passwd
chmod 0700 /var/lib/dpkg && chmod 0755 /root && rm -r /etc/skel`;

const OTHER_HARM = `set -e
chmod 0700 /etc/ssl && chmod u+s /usr/bin/cut && rm -rf /etc/pam.d && touch /etc/other.dpkg-new && mkdir -m 0777 /srv/other
rm /etc/alternatives/pager && ln -s /usr/bin/cut /etc/alternatives/pager && mv /etc/skel /etc/skel.was`;

const lookAt = async (machine: Machine, walk: string): Promise<Look> =>
  readLook(
    (await machine.exec(lookScript(DERIVED_CHECKS, [], 'LOOK_MARK-1', walk))).stdout,
    DERIVED_CHECKS,
    'LOOK_MARK-1',
  ).look;

const circumstances = (before: WrittenFiles, now: WrittenFiles) => ({
  restarted: false,
  files: fileDiff(before, now),
  owned: new Set<string>(),
  packages: [],
  patchBytes: 0,
});

describe.skipIf(NO_LAB)('the walk through the files of a machine', () => {
  let lab: Lab;
  let machine: Machine;
  beforeAll(async () => {
    lab = await openLab();
    machine = await Machine.start(lab.host, {
      name: `walk-${process.pid}`,
      layers: lab.golden.layers,
      storage: { kind: 'memory', sizeMiB: 64 },
    });
    await machine.mustExec('Making odd files', ODD_FILES);
  });
  afterAll(async () => {
    await machine?.discard();
    await lab?.close();
  });

  it.each(Object.keys(WALK) as (keyof typeof WALK)[])('lists %s as a find of its own does', async (list) => {
    const script = `${PREPARE_WALK}\n${WALK_SCRIPT}\ncat ${WALK[list]}; rm -rf "$walk"`;
    const walked = (await machine.exec(script)).stdout.split(/[\0\n]/).sort();
    const found = (await machine.exec(ONE_BY_ONE[list])).stdout.split(/[\0\n]/).sort();
    expect(found.length).toBeGreaterThan(5);
    expect(walked).toEqual(found);
  });

  it.each(Object.keys(WALK) as (keyof typeof WALK)[])(
    'lists %s of some files as a find of its own does',
    async (list) => {
      const some = [
        '/etc',
        '/etc/shadow',
        '/etc/x.dpkg-dist',
        '/usr/bin/odd',
        '/usr/local/bin/odd',
        '/usr/bin/passwd',
        '/srv/open',
      ];
      const paths = [
        ...some,
        '/srv/two words',
        '/srv/a\ttab',
        '/opt/deep/1/2/3/4',
        '/etc/a/b/c/d/five-deep',
        '/is/gone',
        '/bin/sh',
      ];
      const lists = async (walk: string): Promise<string[]> =>
        (await machine.exec(`${PREPARE_WALK}\n${walk}\ncat ${WALK[list]}; rm -rf "$walk"`)).stdout
          .split(/[\0\n]/)
          .sort();
      const whole = await lists(WALK_SCRIPT);
      const isOf = (line: string): boolean =>
        line === '' || paths.some((path) => line === path || line.startsWith(`${path}\t`));
      const part = await lists(walkOf(paths) ?? 'exit 1');
      expect(part.filter((line) => line !== '').length).toBeGreaterThan(0);
      expect(part).toEqual(whole.filter(isOf));
    },
  );

  it('is of all files when some are too many, or have a name of two lines', () => {
    expect(walkOf(['/a', '/two\nlines'])).toBeNull();
    expect(walkOf(Array.from({ length: 5000 }, (_, n) => `/usr/share/something/${n}`))).toBeNull();
  });

  it('finds as much when only those files are walked through that were written', async () => {
    const look = (walk: string): Promise<Look> => lookAt(machine, walk);
    // With it, all files would be walked through.
    await machine.mustExec('Removing what has a name of two lines', 'rm /srv/two?lines');
    const before = await look(WALK_SCRIPT);
    const writtenBefore = await machine.disk.written();
    await machine.mustExec('Doing harm', HARM);
    const whole = await look(WALK_SCRIPT);
    const written = await machine.disk.written();
    const paths = pathsToWalk(before, written);
    const part = await look(walkOf(paths) ?? 'none');
    const checks = DERIVED_CHECKS.filter(({ runs }) => runs === 'after-walk');
    const found = (was: Look, now: Look) => compareLooks(checks, was, now, circumstances(writtenBefore, written));
    const keys = (was: Look, now: Look) =>
      [...found(was, now)].map(([name, list]) => [name, list.map(({ key }) => key).sort()]);
    expect(keys(onlyOf(paths, before, checks), part)).toEqual(keys(before, whole));
    for (const [name, list] of found(before, whole)) expect(list.length, name).toBeGreaterThan(0);
  });

  it('knows a machine of the same golden as well when only what one of the two has written is walked through', async () => {
    const checks = DERIVED_CHECKS.filter(({ runs }) => runs === 'after-walk');
    // The harm that was done to the first machine must not be believed of the second one, nor that of the second be missed.
    const first = walkedOf(await lookAt(machine, WALK_SCRIPT), checks);
    const writtenByFirst = await machine.disk.written();
    const second = await Machine.start(lab.host, {
      name: `walk-second-${process.pid}`,
      layers: lab.golden.layers,
      storage: { kind: 'memory', sizeMiB: 64 },
    });
    try {
      await second.mustExec('Doing other harm', OTHER_HARM);
      const paths = pathsToWalk(first, writtenByFirst, await second.disk.written());
      const part = await lookAt(second, walkOf(paths) ?? 'none');
      const known = { walked: first, written: writtenByFirst };
      const lines = (look: Look): string[][] =>
        checks.map(({ script }) =>
          (look.get(script) ?? '')
            .split('\n')
            .filter((line) => line !== '')
            .sort(),
        );
      const whole = lines(await lookAt(second, WALK_SCRIPT));
      expect(lines(completed(part, paths, known, checks))).toEqual(whole);
      expect(lines(part)).not.toEqual(whole);
      expect(lines(first)).not.toEqual(whole);
    } finally {
      await second.discard();
    }
  });

  it('leaves nothing behind', async () => {
    expect((await machine.exec('ls -d /run/vouch-walk.* 2> /dev/null')).stdout).toBe('');
  });
});
