import { SYSTEM_PATH } from './layer-store.js';
import { PLACE_SYSV_INIT, SYSV_INIT, SYSV_PROGRAMS, type Init } from './sysv-init.js';

/** Inside a machine's own mount namespace: the host's directory, the merged file system, and what was written. */
export const MACHINE = { data: '/mnt/data', root: '/mnt/root', upper: '/mnt/upper' } as const;

/**
 * Restores a machine: mounts its layers with an upper one on top, then waits. The mounts last as long as this process,
 * which ends with its standard input. Wants LOWER (overlayfs `lowerdir`), and either UPPER (a directory that stays) or
 * SIZE_MIB (of a file system in memory).
 */
export const RESTORE_SCRIPT = `set -eu
mount -t tmpfs -o mode=0755 vouch /mnt
mkdir ${MACHINE.data} ${MACHINE.root} ${MACHINE.upper}
mount --no-canonicalize --bind . ${MACHINE.data}
cd ${MACHINE.data}
if [ -n "\${UPPER:-}" ]; then
  mkdir -p "$UPPER"
  mount --bind "$UPPER" ${MACHINE.upper}
else
  mount -t tmpfs -o "mode=0755,size=\${SIZE_MIB}m" vouch-upper ${MACHINE.upper}
fi
mkdir -p ${MACHINE.upper}/files ${MACHINE.upper}/work
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=${MACHINE.upper}/files,workdir=${MACHINE.upper}/work,userxattr" ${MACHINE.root}
printf '%s\\n' "$HOSTNAME" > ${MACHINE.root}/etc/hostname
printf '127.0.0.1 localhost\\n127.0.1.1 %s\\n::1 localhost\\n' "$HOSTNAME" > ${MACHINE.root}/etc/hosts
echo restored
exec cat > /dev/null
`;

/** No unit gets a kernel keyring of its own: a user may have 200 keys, and all machines of a host are one user to it. */
const UNIT_SETTINGS = [
  'cd run',
  'mkdir -p systemd/system/service.d systemd/system/mount.d systemd/system/socket.d systemd/system/swap.d',
  ...['Service', 'Mount', 'Socket', 'Swap'].map(
    (kind) => `printf '[${kind}]\\nKeyringMode=inherit\\n' > systemd/system/${kind.toLowerCase()}.d/vouch.conf`,
  ),
  'cd ..\n',
].join('\n');

/** A line of fstab(5); all of a table are mounted by one program. */
const line = (device: string, path: string, type: string, options: string): string =>
  `${device} ${MACHINE.root}/${path} ${type} ${options}`;
const mountAll = (lines: readonly string[]): string => `echo '${lines.join('\n')}' > /mnt/table
mount -a -T /mnt/table`;

const FILE_SYSTEMS = [
  line('proc', 'proc', 'proc', 'defaults'),
  line('tmpfs', 'dev', 'tmpfs', 'mode=0755,nosuid'),
  line('tmpfs', 'dev/shm', 'tmpfs', 'mode=1777,nosuid,nodev,X-mount.mkdir'),
  line('devpts', 'dev/pts', 'devpts', 'newinstance,ptmxmode=0666,mode=0620,gid=5,X-mount.mkdir'),
  line('tmpfs', 'run', 'tmpfs', 'mode=0755,nosuid,nodev'),
  line('tmpfs', 'tmp', 'tmpfs', 'mode=1777,nosuid,nodev'),
  line('sysfs', 'sys', 'sysfs', 'ro'),
];
const CONTROL_GROUPS = [
  line('tmpfs', 'sys/fs', 'tmpfs', 'mode=0755'),
  line('cgroup2', 'sys/fs/cgroup', 'cgroup2', 'X-mount.mkdir'),
];
const NODES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
const DEVICES = NODES.map((node) => line(`/dev/${node}`, `dev/${node}`, 'none', 'bind'));

/**
 * Script that boots a restored machine: runs as first process of fresh namespaces, mounts what a kernel and an initrd
 * would, makes the machine's file system the root, drops the host's, and becomes the machine's init. Wants HOSTNAME and,
 * for a machine in a private network, ADDRESS (CIDR); then it waits on its standard input until its network card is there.
 */
export const bootScript = (init: Init): string => `set -eu
cd ${MACHINE.root}
${mountAll([...FILE_SYSTEMS, ...(init === 'systemd' ? CONTROL_GROUPS : [])])}
for node in ${NODES.join(' ')}; do : > "dev/$node"; done
${mountAll(DEVICES)}
ln -s pts/ptmx dev/ptmx
${init === 'systemd' ? UNIT_SETTINGS : PLACE_SYSV_INIT}hostname "$HOSTNAME"
ip link set lo up
echo waiting
read -r go
if [ -n "\${ADDRESS:-}" ]; then
  ip address add "$ADDRESS" dev eth0
  ip link set eth0 up
fi
pivot_root . mnt
cd /
umount -l /mnt
exec env -i container=vouch PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ${init === 'systemd' ? '/lib/systemd/systemd' : SYSV_INIT} < /dev/null > /dev/null 2>&1
`;

const ENVIRONMENT = { HOME: '/root', LANG: 'C.UTF-8', TERM: 'dumb', DEBIAN_FRONTEND: 'noninteractive' } as const;
/** All that what runs inside finds in its environment. */
export const INSIDE: Readonly<Record<Init, Readonly<Record<string, string>>>> = {
  systemd: { PATH: SYSTEM_PATH, ...ENVIRONMENT },
  sysv: { PATH: `${SYSV_PROGRAMS}:${SYSTEM_PATH}`, ...ENVIRONMENT },
};
