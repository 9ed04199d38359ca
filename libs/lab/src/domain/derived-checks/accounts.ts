import { linesOf, type DerivedCheck, type Finding } from './derived-check.js';

/** A package may make itself a user that nobody can log in as; everything else is a door. */
const isServiceUser = (line: string): boolean => {
  const [, , uid = '', , , , shell = ''] = line.split(':');
  return Number(uid) > 0 && Number(uid) < 1000 && /\/(nologin|false)$/.test(shell);
};

/** Groups whose members may become root, or read what only root should. */
const POWERFUL = new Set(['sudo', 'adm', 'root', 'shadow', 'docker']);

/** A line of sha256sum(1), as path and sum. */
const readSum = (line: string): [path: string, sum: string][] => {
  const [, sum, path] = /^([0-9a-f]{64}) [ *](.*)$/.exec(line) ?? [];
  return sum === undefined || path === undefined ? [] : [[path, sum]];
};

/** Ways to log in or to become root, by what they are: a user's line, a password, a group's line, a file's sum. */
export function readDoors(listing: string): Map<string, string> {
  return new Map(
    linesOf(listing).flatMap((line): [string, string][] => {
      const [, file, value = '', name = '', second = ''] =
        /^\/etc\/(passwd|shadow|group):(([^:]*):([^:]*).*)$/.exec(line) ?? [];
      if (file === 'passwd') return [[`user ${name}`, value]];
      if (file === 'shadow') return [[`password ${name}`, second]];
      if (file === 'group') return POWERFUL.has(name) ? [[`group ${name}`, value]] : [];
      return readSum(line).map(([path, sum]) => [`file ${path}`, sum]);
    }),
  );
}

export const ACCOUNTS: DerivedCheck = {
  name: 'no new way to log in or to become root',
  script: [
    // With the name of the file before each line.
    "grep '' /etc/passwd /etc/shadow /etc/group",
    'sha256sum /etc/sudoers /etc/sudoers.d/* /root/.ssh/* /home/*/.ssh/* /var/lib/*/.ssh/* /etc/ssh/*.pub /etc/pam.d/*',
  ].join('\n'),
  findings: (seen): Finding[] => {
    const was = readDoors(seen.before);
    return [...readDoors(seen.now)].flatMap(([subject, value]) => {
      if (was.get(subject) === value) return [];
      if (subject.startsWith('file ') && seen.owned.has(subject.slice(5))) return [];
      const isNew = !was.has(subject);
      if (isNew && subject.startsWith('user ') && isServiceUser(value)) return [];
      if (isNew && subject.startsWith('password ')) return [];
      return [{ key: subject, detail: `${subject} ${isNew ? 'is new' : 'has changed'}` }];
    });
  },
};

export const SCHEDULES: DerivedCheck = {
  name: 'nothing new runs on a schedule',
  script: [
    'sha256sum /etc/crontab /etc/cron.*/* /var/spool/cron/crontabs/* /var/spool/cron/atjobs/*',
    `printf 'enabled %s\\n' /etc/systemd/system/timers.target.wants/*`,
  ].join('\n'),
  findings: (seen) => {
    const was = readSchedules(seen.before);
    return [...readSchedules(seen.now)]
      .filter(([what, value]) => was.get(what) !== value && !(was.has(what) && seen.owned.has(what)))
      .map(([what]) => ({ key: what, detail: `${what} ${was.has(what) ? 'has changed' : 'is new'}` }));
  },
};

const readSchedules = (listing: string): Map<string, string> =>
  new Map(
    linesOf(listing).flatMap((line): [string, string][] =>
      line.startsWith('enabled ') ? [[line.slice('enabled '.length), 'enabled']] : readSum(line),
    ),
  );
