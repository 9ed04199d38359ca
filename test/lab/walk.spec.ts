import { Machine } from '@vouch/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PREPARE_WALK, WALK, WALK_SCRIPT } from '../../libs/lab/src/domain/derived-checks/walk.js';
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

  it('leaves nothing behind', async () => {
    expect((await machine.exec('ls -d /run/vouch-walk.* 2> /dev/null')).stdout).toBe('');
  });
});
