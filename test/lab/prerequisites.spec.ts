import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { prerequisites } from '@vouch/lab';
import { describe, expect, it } from 'vitest';
import { NO_LAB } from './lab-fixture.js';
import { sh } from './shell.js';

const built = pathToFileURL(path.resolve(import.meta.dirname, '../../libs/lab/dist/index.js')).href;
const asking = `import(${JSON.stringify(built)}).then(async (lab) => console.log(JSON.stringify(await lab.prerequisites())))`;
/** Owner of nothing, under the name that the distribution gives it. */
const userOf65534 = (await sh('getent passwd 65534 | cut -d : -f 1')).trim();
const cgroup2 = (await sh('findmnt -n -o TARGET -t cgroup2 | head -n 1')).trim();
const isRoot = process.getuid?.() === 0;

interface Answer {
  ok: boolean;
  init?: string;
  reason?: string;
  unlimited?: string[];
}

/** Asks in a process of its own, made poorer by a prefix of its command. */
function askFrom(prefix: readonly string[]): Answer {
  const [program = '', ...args] = [...prefix, process.execPath, '-e', asking];
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 60_000 });
  try {
    return JSON.parse(stdout) as Answer;
  } catch {
    throw new Error(`No answer: ${stderr}`);
  }
}

describe.skipIf(NO_LAB)('the prerequisites of the sandbox', () => {
  it('are met on a machine that runs these tests', async () => {
    expect(await prerequisites()).toEqual({ ok: true, init: 'systemd' });
  });

  it.runIf(isRoot).each([
    [
      'a program is missing',
      ['unshare', '--mount', 'sh', '-c', 'mount --bind /dev/null "$(command -v mmdebstrap)"; exec "$@"', 'sh'],
      /apt-get install mmdebstrap/,
    ],
    [
      'user namespaces are forbidden',
      [
        'unshare',
        '--user',
        '--map-root-user',
        'sh',
        '-c',
        'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"',
        'sh',
      ],
      /refuses to make a user namespace.*max_user_namespaces/,
    ],
    [
      'there is no source for packages',
      ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /etc/apt; exec "$@"', 'sh'],
      /No package source of this machine/,
    ],
  ])('say what to do when %s', (_case, prefix, sentence) => {
    const answer = askFrom(prefix);
    expect(answer.ok).toBe(false);
    expect(answer.reason).toMatch(sentence);
  });

  it.runIf(isRoot)('are met in part, and say why, where no control group can be had', () => {
    const answer = askFrom(['unshare', '--mount', 'sh', '-c', 'umount -R -l /sys/fs/cgroup; exec "$@"', 'sh']);
    expect(answer).toMatchObject({ ok: true, init: 'sysv' });
    expect(answer.reason).toMatch(/cgroup.*run as root, or under a user service/);
  });

  it.runIf(isRoot)('say which limits cannot be had', () => {
    // Nothing is offered in either version of control groups, whichever this machine has.
    const without = 'for m in memory pids; do umount -l "/sys/fs/cgroup/$m" || :; done 2> /dev/null; exec "$@"';
    const answer = askFrom(['unshare', '--mount', 'sh', '-c', without, 'sh']);
    const offered = readFileSync(path.join(cgroup2, 'cgroup.controllers'), 'utf8').split(/\s+/);
    const unlimited = [
      ...(offered.includes('memory') ? [] : ['memory']),
      ...(offered.includes('pids') ? [] : ['processes']),
    ];
    expect(answer).toEqual({ ok: true, init: 'systemd', ...(unlimited.length === 0 ? {} : { unlimited }) });
  });

  it.runIf(isRoot)('say what an ordinary user without ids of its own has to do', () => {
    const answer = askFrom(['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--']);
    expect(answer).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/apt-get install uidmap|usermod --add-subuids/),
    });
  });

  it.runIf(isRoot)('are met for an ordinary user with ids of its own and a control group of its own', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'vouch-ordinary-'));
    const group = path.join(cgroup2, `vouch-ordinary-${process.pid}`);
    try {
      await writeFile(path.join(folder, 'subid'), `${userOf65534}:100000:65536\n`);
      await sh('mkdir -p "$1/own" && chown -R 65534:65534 "$1"', [group]);
      const setting = `mount --bind "${folder}/subid" /etc/subuid; mount --bind "${folder}/subid" /etc/subgid
echo $$ > "${group}/own/cgroup.procs"; exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"`;
      const answer = askFrom(['unshare', '--mount', 'sh', '-eu', '-c', setting, 'sh']);
      if (answer.reason?.includes('uidmap') !== true) expect(answer).toMatchObject({ ok: true, init: 'systemd' });
    } finally {
      await sh('find "$1" -depth -type d -exec rmdir {} +', [group]);
      await rm(folder, { recursive: true });
    }
  });
});
