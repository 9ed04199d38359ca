import { tableOf, type DerivedCheck, type Finding } from './derived-check.js';

/** A package may make itself a user that nobody can log in as; everything else is a door. */
const isServiceUser = (line: string): boolean => {
  const [, , uid = '', , , , shell = ''] = line.split(':');
  return Number(uid) > 0 && Number(uid) < 1000 && /\/(nologin|false)$/.test(shell);
};

export const ACCOUNTS: DerivedCheck = {
  name: 'no new way to log in or to become root',
  script: [
    `sed 's/^\\([^:]*\\):/user \\1\\t&/' /etc/passwd`,
    `sed 's/^\\([^:]*\\):\\([^:]*\\):.*/password \\1\\t\\2/' /etc/shadow`,
    `grep -E '^(sudo|adm|root|shadow|docker):' /etc/group | sed 's/^\\([^:]*\\):/group \\1\\t&/'`,
    `sha256sum /etc/sudoers /etc/sudoers.d/* /root/.ssh/* /home/*/.ssh/* /var/lib/*/.ssh/* /etc/ssh/*.pub /etc/pam.d/* | sed 's/^\\([0-9a-f]*\\)  \\(.*\\)/file \\2\\t\\1/'`,
  ].join('\n'),
  findings: (seen): Finding[] => {
    const was = tableOf(seen.before);
    return [...tableOf(seen.now)].flatMap(([subject, value]) => {
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
    `sha256sum /etc/crontab /etc/cron.*/* /var/spool/cron/crontabs/* /var/spool/cron/atjobs/* | sed 's/^\\([0-9a-f]*\\)  \\(.*\\)/\\2\\t\\1/'`,
    `for link in /etc/systemd/system/timers.target.wants/*; do printf '%s\\tenabled\\n' "$link"; done`,
  ].join('\n'),
  findings: (seen) => {
    const was = tableOf(seen.before);
    return [...tableOf(seen.now)]
      .filter(([what, value]) => was.get(what) !== value && !(was.has(what) && seen.owned.has(what)))
      .map(([what]) => ({ key: what, detail: `${what} ${was.has(what) ? 'has changed' : 'is new'}` }));
  },
};
