/** What the first process of a machine is: systemd, or where none can start, a script that runs the old init scripts. */
export type Init = 'systemd' | 'sysv';

/** Where the machine keeps what this file puts into it; in memory, so that nothing of it counts as written. */
const FOLDER = '/run/vouch';

/** Programs that are found before those of the same name. */
export const SYSV_PROGRAMS = `${FOLDER}/bin`;

/** What a machine without systemd says nothing about, in phrases. */
export const SYSV_UNMEASURED: readonly string[] = [
  'how systemd starts, watches and restarts services: their old init scripts start them in this lab',
  'services and timers that have no init script',
  'what services write to the journal',
  'how much memory and how many processes the whole machine takes',
];

/**
 * The first process: starts what Debian's runlevel 2 starts, and stops it in order when it is told to halt. Processes
 * that lost their parent are reaped by the shell while it waits.
 */
const INIT = `#!/bin/sh
halt() {
  trap - 37
  for script in /etc/rc2.d/S*; do [ -x "$script" ] && timeout 20 "$script" stop; done
  kill -TERM -1
  sleep 0.3
  exit 0
}
trap halt 37
systemd-tmpfiles --create --remove --boot --exclude-prefix=/dev
mkdir -p /run/lock ${FOLDER}/log
[ -s /etc/machine-id ] || tr -d - < /proc/sys/kernel/random/uuid > /etc/machine-id
for script in /etc/rc2.d/S*; do
  [ -x "$script" ] || continue
  name=\${script##*/S[0-9][0-9]}
  setsid "$script" start < /dev/null > "${FOLDER}/log/$name" 2>&1 || echo "$name" >> ${FOLDER}/failed
done
: > ${FOLDER}/started
while :; do sleep 3600 & wait $!; done
`;

/** Answers what the lab asks about services. Whatever else is asked goes to the real program, which then says no. */
const SYSTEMCTL = `#!/bin/sh
names() { for script in /etc/rc2.d/[SK]*; do [ -x "$script" ] && echo "\${script##*/[SK][0-9][0-9]}"; done; }
state() {
  if timeout 10 "/etc/init.d/$1" status > /dev/null 2>&1; then echo active
  elif grep -qsx "$1" ${FOLDER}/failed; then echo failed
  else echo inactive; fi
}
in_state() { for name in $(names); do [ "$(state "$name")" = "$1" ] && echo "$name.service loaded $1 $2 $name"; done; :; }
case "$1 $*" in
  is-system-running*)
    until [ -e ${FOLDER}/started ]; do case "$*" in *--wait*) sleep 0.05;; *) echo starting; exit 1;; esac; done
    echo running;;
  list-units*--state=failed*) in_state failed failed;;
  list-units*--state=running*) in_state active running;;
  is-active*)
    name=\${2%.service}
    now=$(state "\${name%%@*}")
    echo "$now"
    [ "$now" = active ] || exit 3;;
  show*--property=Id,*)
    for name in $(names); do
      case "$(echo /etc/rc2.d/S[0-9][0-9]"$name")" in *'['*) enabled=disabled;; *) enabled=enabled;; esac
      printf 'Id=%s.service\\nActiveState=%s\\nUnitFileState=%s\\nNRestarts=0\\n\\n' "$name" "$(state "$name")" "$enabled"
    done;;
  *) exec /usr/bin/systemctl "$@";;
esac
`;

/** There is no journal; what the init scripts printed is all there is to read. */
const JOURNALCTL = `#!/bin/sh
case "$*" in *--priority*) ;; *) for log in ${FOLDER}/log/*; do echo "== \${log##*/}"; cat "$log"; done;; esac
`;

const file = (path: string, text: string): string =>
  `cat > ".${path}" <<'VOUCH-END'\n${text}VOUCH-END\nchmod 0755 ".${path}"\n`;

/** Part of the script that boots a machine: puts the programs in place, from the machine's root. */
export const PLACE_SYSV_INIT = [
  // systemd makes these by itself.
  'ln -s /proc/self/fd dev/fd\n',
  'for number in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${number%:*}" "dev/${number#*:}"; done\n',
  `mkdir -p ".${SYSV_PROGRAMS}"\n`,
  file(`${FOLDER}/init`, INIT),
  file(`${SYSV_PROGRAMS}/systemctl`, SYSTEMCTL),
  file(`${SYSV_PROGRAMS}/journalctl`, JOURNALCTL),
].join('');

export const SYSV_INIT = `${FOLDER}/init`;
