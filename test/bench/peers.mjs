// autopkgtest and piuparts, as Debian ships them, on the root file system of one of our goldens.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { hostRelease, LayerStore } from '@vouch/lab';

const NOBODY = 65534;
/** What autopkgtest wants inside the system that it tests; it would fetch both, for each test again. */
export const WANTED_INSIDE = ['dpkg-dev', 'apt-utils'];

/** Looks at as much as works without a network namespace of its own and without an init: programs run, versions fit. */
const SMOKE = `#!/bin/sh
set -e
nginx -v
dpkg-query -W nginx
printf vouch | openssl dgst -sha256
/usr/lib/postgresql/*/bin/postgres --version
`;

/**
 * Lays a golden down in the forms that the peers want, and their tests.
 * @param folder empty; others may enter it
 * @param debs paths of the update's package files
 */
export async function preparePeers(bed, folder, debs) {
  installPeers();
  const at = (...names) => path.join(folder, ...names);
  const inbox = at('inbox');
  fs.mkdirSync(at('inbox/tree/debian/tests'), { recursive: true });
  fs.mkdirSync(at('inbox/tree/debian/source'));
  const files = debs.map((deb) => path.join(inbox, path.basename(deb)));
  debs.forEach((deb, index) => fs.copyFileSync(deb, files[index]));
  const tree = {
    control:
      'Source: smoke\nMaintainer: Nobody <nobody@localhost>\nStandards-Version: 4.6.2\n\nPackage: smoke\nArchitecture: all\nDescription: smoke\n',
    changelog:
      'smoke (1) unstable; urgency=low\n\n  * Smoke.\n\n -- Nobody <nobody@localhost>  Thu, 01 Jan 2026 00:00:00 +0000\n',
    'source/format': '3.0 (native)\n',
    'tests/control': 'Tests: smoke\nDepends: nginx\nRestrictions: allow-stderr, needs-root\n',
  };
  for (const [name, text] of Object.entries(tree)) fs.writeFileSync(at('inbox/tree/debian', name), text);
  fs.writeFileSync(at('inbox/tree/debian/tests/smoke'), SMOKE, { mode: 0o755 });
  fs.mkdirSync(at('tmp'));
  fs.chmodSync(at('tmp'), 0o1777);
  execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, inbox]);
  fs.writeFileSync(at('subordinate-ids'), 'nobody:600000:65536\n');
  for (const file of ['/etc/subuid', '/etc/subgid']) fs.closeSync(fs.openSync(file, 'a'));

  await writeTar(bed, at('base.tar'));
  execFileSync('sh', ['-c', 'gzip -1 -c base.tar > base.tar.gz && mkdir base && tar -C base -xpf base.tar'], {
    cwd: folder,
  });
  const { source } = await hostRelease();
  return {
    autopkgtest: () => autopkgtest(folder, files),
    piuparts: () => piuparts(folder, files, source, ['-b', at('base.tar.gz')]),
    piupartsCopying: () => piuparts(folder, files, source, ['-e', at('base')]),
  };
}

function installPeers() {
  const missing = ['autopkgtest', 'piuparts'].filter(
    (program) => !['/usr/bin', '/usr/sbin'].some((folder) => fs.existsSync(path.join(folder, program))),
  );
  if (missing.length > 0)
    execFileSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...missing], { stdio: 'ignore' });
}

/** The layers of a golden as one archive, with owners as they are inside. */
async function writeTar({ host, golden }, file) {
  const script = [
    'mount -t tmpfs vouch /mnt',
    'mkdir /mnt/root',
    `mount -t overlay overlay -o lowerdir=${LayerStore.stack(golden.layers)},userxattr /mnt/root`,
    'tar -C /mnt/root -cf - .',
  ].join('\n');
  const [program, ...args] = host.files.enter(['unshare', '--mount', 'sh', '-euc', script]);
  const out = fs.openSync(file, 'w');
  try {
    execFileSync(program, args, { cwd: host.directory, stdio: ['ignore', out, 'inherit'] });
  } finally {
    fs.closeSync(out);
  }
}

/** As an ordinary user, which it is made for; it gets ids of its own in a mount namespace of its own. */
async function autopkgtest(folder, files) {
  const words = [
    ...['autopkgtest', '--no-built-binaries', ...files, path.join(folder, 'inbox/tree')],
    ...['--', 'unshare', '--tarball', path.join(folder, 'base.tar')],
  ];
  const script = [
    `mount --bind ${folder}/subordinate-ids /etc/subuid`,
    `mount --bind ${folder}/subordinate-ids /etc/subgid`,
    `exec setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups env -i HOME=${folder}/tmp TMPDIR=${folder}/tmp PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"`,
  ].join('\n');
  const log = path.join(folder, 'tmp/autopkgtest.log');
  await mustRun('autopkgtest', ['unshare', '--mount', 'sh', '-euc', script, 'sh', ...words], log);
  if (!/^smoke +PASS/m.test(fs.readFileSync(log, 'utf8'))) throw new Error('autopkgtest did not run its test.');
}

/** Without its test of an installation from nothing: a machine that is patched has the package. */
function piuparts(folder, files, { uri, suite, components }, base) {
  const words = [
    ...['piuparts', ...base, '-d', suite, '-m', `${uri} ${components.join(' ')}`, '-t', path.join(folder, 'tmp')],
    ...['--no-eatmydata', '--skip-minimize', '--no-install-purge-test', '-I', '^/var/cache/debconf/tmp', ...files],
  ];
  return mustRun('piuparts', words, path.join(folder, 'tmp/piuparts.log'));
}

/** Its log belongs to whom it runs as: autopkgtest opens its standard error again by name. */
async function mustRun(name, [program, ...args], log) {
  const out = fs.openSync(log, 'w');
  fs.fchownSync(out, NOBODY, NOBODY);
  const child = spawn(program, args, { stdio: ['ignore', out, out] });
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve));
  fs.closeSync(out);
  if (code !== 0)
    throw new Error(
      `${name} ended with ${code}: ${fs
        .readFileSync(log, 'utf8')
        .match(/.*(FAIL|error).*\n.*/gi)
        ?.join(' | ')}`,
    );
}
