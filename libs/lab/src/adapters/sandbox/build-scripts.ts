import type { AptSource } from '@vouch/catalog';
import type { Profile } from '@vouch/contracts';
import { BUILD_ROOT } from './layer-store.js';

/** What a small, real server has before anybody installs a service on it. */
const BASE_PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'iproute2', 'procps', 'ca-certificates'];

/** Units that need a kernel of their own, or that would change a machine behind a test's back. */
const MASKED_UNITS = [
  ...['sys-kernel-debug.mount', 'sys-kernel-tracing.mount', 'dev-hugepages.mount', 'systemd-remount-fs.service'],
  ...['console-getty.service', 'getty.target', 'e2scrub_all.timer', 'e2scrub_reap.service', 'fstrim.timer'],
  ...['apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'man-db.timer', 'logrotate.timer'],
  ...['modprobe@.service', 'systemd-modules-load.service', 'kmod-static-nodes.service', 'systemd-binfmt.service'],
  ...['proc-sys-fs-binfmt_misc.automount', 'sys-kernel-config.mount', 'sys-fs-fuse-connections.mount'],
  ...['systemd-pcrphase-initrd.service', 'systemd-pcrphase-sysinit.service', 'systemd-pcrphase.service'],
  ...['systemd-boot-system-token.service', 'systemd-pstore.service', 'systemd-random-seed.service'],
  ...['systemd-repart.service', 'cryptsetup.target', 'integritysetup.target', 'veritysetup.target'],
];

/**
 * Generators (systemd.generator(7)) that look for disks, terminals or the kernel's command line, of which a sandbox has none.
 * All of them would run at every start and with every package that has a service.
 */
const MASKED_GENERATORS = [
  'bless-boot',
  'cryptsetup',
  'debug',
  'getty',
  'gpt-auto',
  'hibernate-resume',
  'integritysetup',
  'run',
  'veritysetup',
].map((name) => `systemd-${name}-generator`);

/**
 * Documentation in every language, waiting for the disk, and a program that asks a package's questions early where there is
 * apt-utils, which there is not: what makes builds or tests slow, and no test better.
 */
const DPKG_OPTIONS = [
  'path-exclude=/etc/apt/apt.conf.d/70debconf',
  'force-unsafe-io',
  'path-exclude=/usr/share/doc/*',
  'path-exclude=/usr/share/man/*',
  'path-exclude=/usr/share/locale/*',
  'path-exclude=/usr/share/info/*',
];

/** Script that makes a minimal system of a release suite, with the package lists kept for the layers on top of it. */
export function baseScript(source: AptSource): string {
  // An armoured key in the sources file itself is not a file that could be copied: then apt's trusted keys must do.
  const key = source.signedBy?.startsWith('/') ? source.signedBy : undefined;
  const options = [
    ...['--mode=root', '--variant=minbase', '--format=directory', '--skip=cleanup/apt,essential/unlink', '--quiet'],
    `--include=${BASE_PACKAGES.join(',')}`,
    `--aptopt=Acquire::Languages "none"`,
    ...DPKG_OPTIONS.map((option) => `--dpkgopt=${option}`),
    ...(key === undefined ? [] : [`--setup-hook=install -D -m 0644 ${quote(key)} "$1"${quote(key)}`]),
  ];
  const signedBy = key === undefined ? '' : `[signed-by=${key}] `;
  const line = `deb ${signedBy}${source.uri} ${source.suite} ${source.components.join(' ')}`;
  const masked = [
    ...MASKED_UNITS.map((unit) => `system/${unit}`),
    ...MASKED_GENERATORS.map((generator) => `system-generators/${generator}`),
  ].map((file) => `ln -sf /dev/null ${BUILD_ROOT}/etc/systemd/${file}`);
  return [
    `TMPDIR=/mnt mmdebstrap ${options.map(quote).join(' ')} ${quote(source.suite)} ${BUILD_ROOT} ${quote(line)}`,
    `mkdir -p ${BUILD_ROOT}/etc/systemd/system-generators`,
    ...masked,
    // An empty one: every machine gets its own at its first boot, without systemd's first-boot presets.
    `: > ${BUILD_ROOT}/etc/machine-id`,
    `touch ${BUILD_ROOT}/etc/resolv.conf`,
  ].join('\n');
}

/**
 * Shell functions that run a program in the new system, which is all that it finds: no directory above its root, no process
 * but its own, whose root it could go to, and none of the files that the build has open. The build has to have mounted
 * `proc` there.
 */
export const IN_ROOT = `enter() {
  more=; case "$1" in --*) more=$1; shift;; esac
  unshare --mount --pid $more --fork --kill-child sh -euc '
    cd ${BUILD_ROOT}
    umount proc
    mount -t proc proc proc
    pivot_root . .
    umount -l .
    cd /
    env -u TMPDIR HOME=/root DEBIAN_FRONTEND=noninteractive "$@"' sh "$@" < /dev/null 9>&-
}
in_root() { enter "$@"; }`;

/** Script that installs a profile's components and files over a base, without starting any service. */
export function componentsScript(profile: Profile): string {
  const packages = profile.components.map((component) =>
    quote(component.version === undefined ? component.package : `${component.package}=${component.version}`),
  );
  const install = `in_root apt-get -q -y -o Dpkg::Use-Pty=0 install --no-install-recommends ${packages.join(' ')}`;
  return [
    IN_ROOT,
    // What a technician wrote runs without a network.
    'offline() { enter --net sh -euc "ip link set lo up; $1"; }',
    `cd ${BUILD_ROOT}`,
    'mount -t proc proc proc',
    'mount -t tmpfs -o mode=0755 tmpfs dev',
    'for node in null zero full random urandom tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done',
    'mkdir -m 1777 dev/shm',
    'ln -s /proc/self/fd dev/fd',
    'mount -t tmpfs -o mode=1777 tmpfs tmp',
    // Left out with the manuals, and wanted by packages that offer several of one program.
    'mkdir -p usr/share/man/man1',
    'mount -t tmpfs -o mode=0755 tmpfs run',
    'mount --bind "$(realpath /etc/resolv.conf)" etc/resolv.conf',
    "printf '#!/bin/sh\\nexit 101\\n' > usr/sbin/policy-rc.d",
    'chmod 0755 usr/sbin/policy-rc.d',
    // The lists may be older than the mirror: versions that it has dropped are found again after an update.
    `${install} || { in_root apt-get -q update; ${install}; }`,
    ...profile.files.map((file) => `offline ${quote(writeScript(file))}`),
    ...profile.seed.map((command) => `offline ${quote(command)}`),
    'rm -rf usr/sbin/policy-rc.d etc/apt/sources.list var/lib/apt/lists/* var/cache/apt/*.bin',
  ].join('\n');
}

/** Inside the new system, so that its links lead nowhere else. */
const writeScript = ({ path, content, mode }: Profile['files'][number]): string =>
  [
    `mkdir -p ${quote(parentOf(path))}`,
    `printf %s ${Buffer.from(content).toString('base64')} | base64 -d > ${quote(path)}`,
    `chmod ${quote(mode)} ${quote(path)}`,
  ].join('; ');

const parentOf = (file: string): string => file.slice(0, file.lastIndexOf('/') + 1);

/** A word for `sh` that means exactly these characters. */
const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
