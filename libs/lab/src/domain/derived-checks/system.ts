import type { DerivedCheck, Finding } from './derived-check.js';
import { linesOf, newLines, tableOf } from './derived-check.js';

/**
 * A machine without a network counts what it could not send: `OutNoRoutes` for every connection, and for every question
 * to a name server outside; `NoPorts` for questions to a name server on the machine that does not exist. See snmp(7) in
 * the kernel's documentation, networking/snmp_counter.rst.
 */
export const NETWORK: DerivedCheck = {
  name: 'nothing new tries to reach the network',
  script: 'cat /proc/net/snmp /proc/net/snmp6',
  findings: ({ before, now }): Finding[] => {
    const was = readCounters(before);
    const is = readCounters(now);
    return Object.values(COUNTERS).flatMap(({ key, what }) => {
      const [old, count] = [was.get(key) ?? 0, is.get(key) ?? 0];
      // What a service tries when it starts, it tries again when it is started again, by the patch and by the restart.
      const tries = count - STARTS * old;
      return tries > 0 && count > old ? [{ key, detail: `${tries} attempts (${what})`, amount: tries }] : [];
    });
  },
};

/** At most as often may a service have been started when the machine is looked at. */
const STARTS = 3;

/** What is counted, by protocol and name. */
const COUNTERS: Readonly<Record<string, { readonly key: string; readonly what: string }>> = {
  IpOutNoRoutes: { key: 'OutNoRoutes', what: 'to reach another machine' },
  Ip6OutNoRoutes: { key: 'Ip6OutNoRoutes', what: 'to reach another machine by IPv6' },
  UdpNoPorts: { key: 'NoPorts', what: 'to ask a name server that is not there' },
};

/**
 * Reads /proc/net/snmp, where one line has a protocol's names and the next its numbers, and /proc/net/snmp6, where each
 * line has a name and a number.
 * @returns what {@link COUNTERS} names, by its key
 */
export function readCounters(text: string): Map<string, number> {
  const counters = new Map<string, number>();
  const names = new Map<string, readonly string[]>();
  for (const line of linesOf(text)) {
    const [first = '', ...rest] = line.trim().split(/\s+/);
    const own = names.get(first);
    if (!first.endsWith(':')) counters.set(first, Number(rest[0]));
    else if (own === undefined) names.set(first, rest);
    else own.forEach((name, index) => counters.set(`${first.slice(0, -1)}${name}`, Number(rest[index])));
  }
  return new Map(Object.entries(COUNTERS).map(([name, { key }]) => [key, counters.get(name) ?? 0]));
}

export const MOUNTS: DerivedCheck = {
  name: 'no file system was mounted',
  script: `while read -r device path type rest; do
  case "$path" in /run/* | /dev/* | /proc/sys/fs/*) ;; *) printf '%s on %s\\n' "$type" "$path" ;; esac
done < /proc/1/mounts`,
  findings: (seen) => newLines(seen, (line) => `mounted: ${line}`),
};

export const KERNEL_SETTINGS: DerivedCheck = {
  name: 'the settings of the kernel and the clock are as before',
  script: [
    `for file in /proc/sys/kernel/hostname /proc/sys/kernel/domainname /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv4/conf/all/accept_redirects /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range /proc/sys/net/ipv4/tcp_syncookies; do [ ! -r "$file" ] || { IFS= read -r value < "$file"; printf '%s\\t%s\\n' "$file" "$value"; }; done`,
    `printf 'timezone\\t%s ' "$(readlink -f /etc/localtime)"`,
    `date "+%z%n%s" | { read -r zone; echo "$zone"; read -r now; read -r up rest < /proc/uptime`,
    `printf 'clock ahead of the monotonic one, in minutes\\t%s\\n' "$(( (now - \${up%.*}) / 60 ))"; }`,
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
