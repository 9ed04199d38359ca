import type { DerivedCheck, Finding } from './derived-check.js';
import { newLines, tableOf } from './derived-check.js';

/**
 * A machine without a network counts what it could not send: `OutNoRoutes` for every connection, and for every question
 * to a name server outside; `NoPorts` for questions to a name server on the machine that does not exist. See snmp(7) in
 * the kernel's documentation, networking/snmp_counter.rst.
 */
export const NETWORK: DerivedCheck = {
  name: 'nothing new tries to reach the network',
  script: [
    `perl -ane 'BEGIN { %want = ("Ip:" => "OutNoRoutes", "Udp:" => "NoPorts") } next unless $want{$F[0]}; if ($names{$F[0]}) { my %value; @value{@{$names{$F[0]}}} = @F; print "$want{$F[0]}\\t$value{$want{$F[0]}}\\n" } else { $names{$F[0]} = [@F] }' /proc/net/snmp`,
    `perl -ane 'print "$F[0]\\t$F[1]\\n" if $F[0] eq "Ip6OutNoRoutes"' /proc/net/snmp6`,
  ].join('\n'),
  findings: ({ before, now }): Finding[] => {
    const was = tableOf(before);
    return [...tableOf(now)].flatMap(([what, count]) => {
      const old = Number(was.get(what) ?? 0);
      // What a service tries when it starts, it tries again when it is started again, by the patch and by the restart.
      const tries = Number(count) - STARTS * old;
      return tries > 0 && Number(count) > old
        ? [{ key: what, detail: `${tries} attempts (${COUNTERS[what] ?? what})`, amount: tries }]
        : [];
    });
  },
};

/** At most as often may a service have been started when the machine is looked at. */
const STARTS = 3;

const COUNTERS: Readonly<Record<string, string>> = {
  OutNoRoutes: 'to reach another machine',
  Ip6OutNoRoutes: 'to reach another machine by IPv6',
  NoPorts: 'to ask a name server that is not there',
};

export const MOUNTS: DerivedCheck = {
  name: 'no file system was mounted',
  script: `while read -r device path type rest; do printf '%s on %s\\n' "$type" "$path"; done < /proc/1/mounts | grep -v ' on /\\(run\\|dev\\|proc/sys/fs\\)/' || :`,
  findings: (seen) => newLines(seen, (line) => `mounted: ${line}`),
};

export const KERNEL_SETTINGS: DerivedCheck = {
  name: 'the settings of the kernel and the clock are as before',
  script: [
    `for file in /proc/sys/kernel/hostname /proc/sys/kernel/domainname /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv4/conf/all/accept_redirects /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range /proc/sys/net/ipv4/tcp_syncookies; do [ ! -r "$file" ] || printf '%s\\t%s\\n' "$file" "$(cat "$file")"; done`,
    `printf 'timezone\\t%s\\n' "$(readlink -f /etc/localtime) $(date +%z)"`,
    `printf 'clock ahead of the monotonic one, in minutes\\t%s\\n' "$(( ($(date +%s) - $(cut -d. -f1 /proc/uptime)) / 60 ))"`,
  ].join('\n'),
  findings: ({ before, now, restarted }): Finding[] => {
    const was = tableOf(before);
    return [...tableOf(now)].flatMap(([what, value]) => {
      const old = was.get(what);
      // A minute may pass between two numbers; a machine of its own may count from another start after a restart.
      const isClock = what.startsWith('clock');
      if (isClock && (restarted || Math.abs(Number(value) - Number(old)) <= 1)) return [];
      return value === old ? [] : [{ key: what, detail: `${what} was ${old ?? 'unset'} and is ${value}` }];
    });
  },
};
