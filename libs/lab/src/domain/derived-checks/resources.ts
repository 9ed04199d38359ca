import { linesOf, type DerivedCheck, type Finding } from './derived-check.js';

interface Unit {
  kibibytes: number;
  processes: number;
}

/** Proportional set size and number of processes by control group. @param listing lines of `group<tab>KiB` */
export function readUnits(listing: string): Map<string, Unit> {
  const units = new Map<string, Unit>();
  for (const line of linesOf(listing)) {
    const [group = '', kibibytes = '0'] = line.split('\t');
    const unit = units.get(group) ?? { kibibytes: 0, processes: 0 };
    unit.kibibytes += Number(kibibytes);
    unit.processes += 1;
    units.set(group, unit);
  }
  return units;
}

/** One process reads all of /proc with the shell's own words: a program for each would take longer than the rest. */
const SCRIPT = `for p in /proc/[0-9]*; do
  group=; size=0
  while IFS=: read -r id names path; do [ "$id" != 0 ] || group=$path; done 2>/dev/null < "$p/cgroup" || continue
  while read -r name value rest; do [ "$name" != Pss: ] || { size=$value; break; }; done 2>/dev/null < "$p/smaps_rollup" || :
  case "$group" in '' | */vouch-exec) ;; *) printf '%s\\t%s\\n' "$group" "$size" ;; esac
done`;

/** Half as much again is within what a version may need; small services vary by some tens of MiB. */
const MORE_MEMORY = { factor: 1.5, kibibytes: 64 * 1024 } as const;
const MORE_PROCESSES = { factor: 2, count: 10 } as const;

export const MEMORY: DerivedCheck = {
  name: 'services need about as much memory as before',
  runs: 'alone',
  script: SCRIPT,
  findings: ({ before, now }) => {
    const was = readUnits(before);
    return [...readUnits(now)].flatMap(([group, { kibibytes }]): Finding[] => {
      const old = was.get(group)?.kibibytes ?? 0;
      if (kibibytes <= MORE_MEMORY.factor * old + MORE_MEMORY.kibibytes) return [];
      const detail = `${nameOf(group)} needs ${mebibytes(kibibytes)}, ${mebibytes(old)} before`;
      return [{ key: group, detail, amount: kibibytes }];
    });
  },
};

export const PROCESSES: DerivedCheck = {
  name: 'no service has many more processes than before',
  runs: 'alone',
  script: SCRIPT,
  findings: ({ before, now }) => {
    const was = readUnits(before);
    return [...readUnits(now)].flatMap(([group, { processes }]): Finding[] => {
      const old = was.get(group)?.processes ?? 0;
      if (processes <= MORE_PROCESSES.factor * old + MORE_PROCESSES.count) return [];
      return [{ key: group, detail: `${nameOf(group)} has ${processes} processes, ${old} before`, amount: processes }];
    });
  },
};

export const STRAYS: DerivedCheck = {
  name: 'the installation left no process behind',
  runs: 'alone',
  // What the lab runs itself is in this group: the shell of this script, its children, and what apt's left behind.
  script: `for p in /proc/[0-9]*; do
  [ "\${p#/proc/}" != "$$" ] || continue
  while IFS=: read -r id names path; do
    case "$id$path" in 0*/vouch-exec) read -r name < "$p/comm" && read -r pid name state parent rest < "$p/stat" && [ "$parent" != "$$" ] && tr '\\0' ' ' < "$p/cmdline" && echo ;; esac
  done 2>/dev/null < "$p/cgroup" || :
done`,
  findings: ({ now }) =>
    linesOf(now)
      .map((line) => line.trim())
      .filter((line) => !/LOOK_MARK|^(sh|nsenter|env) /.test(line))
      .map((line) => ({ key: line, detail: `left running: ${line.slice(0, 100)}` })),
};

/** A patch may need space for itself, its copies and logs; beyond that somebody has to know. */
const MORE_DISK = { factor: 10, kibibytes: 300 * 1024 } as const;

export const DISK: DerivedCheck = {
  name: 'the patch needs no more disk than its size explains',
  runs: 'alone',
  script: 'df -P -k /',
  findings: ({ before, now, patchBytes }) => {
    const [was, is] = [before, now].map((text) => linesOf(text).at(-1)?.trim().split(/\s+/).map(Number));
    const [grown, free] = [(is?.[2] ?? 0) - (was?.[2] ?? 0), is?.[3] ?? 0];
    const allowed = (MORE_DISK.factor * patchBytes) / 1024 + MORE_DISK.kibibytes;
    if (grown <= allowed && free > 0) return [];
    return [{ key: 'disk', detail: `it takes ${mebibytes(grown)}; ${mebibytes(free)} are left`, amount: grown }];
  },
};

const mebibytes = (kibibytes: number): string => `${Math.round(kibibytes / 1024)} MiB`;
const nameOf = (group: string): string => group.split('/').at(-1) ?? group;
