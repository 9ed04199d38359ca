import { tableOf, type DerivedCheck, type Finding } from './derived-check.js';

/** A package may make itself a user that nobody can log in as; everything else is a door. */
const isServiceUser = (line: string): boolean => {
  const [, , uid = '', , , , shell = ''] = line.split(':');
  return Number(uid) > 0 && Number(uid) < 1000 && /\/(nologin|false)$/.test(shell);
};

export const ACCOUNTS: DerivedCheck = {
  name: 'no new way to log in or to become root',
  script: [
    // By name; of passwords and keys only that they are the same.
    `sed 's/^\\([^:]*\\):/user \\1\\t&/' /etc/passwd`,
    `while IFS=: read -r name hash rest; do printf 'password %s\\t%s\\n' "$name" "$(printf %s "$hash" | sha256sum)"; done < /etc/shadow`,
    `for group in sudo adm root shadow docker; do getent group "$group" | sed "s/^/group $group\\t/"; done`,
    `for file in /etc/sudoers /etc/sudoers.d/* /root/.ssh/* /home/*/.ssh/* /var/lib/*/.ssh/* /etc/ssh/*.pub /etc/pam.d/*; do [ ! -f "$file" ] || printf 'file %s\\t%s\\n' "$file" "$(sha256sum < "$file")"; done`,
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
    `for file in /etc/crontab /etc/cron.*/* /var/spool/cron/crontabs/* /var/spool/cron/atjobs/*; do [ ! -f "$file" ] || printf '%s\\t%s\\n' "$file" "$(sha256sum < "$file")"; done`,
    `systemctl list-unit-files --type=timer --state=enabled --plain --no-legend --no-pager | sed 's/ .*/\\ttimer/'`,
  ].join('\n'),
  findings: (seen) => {
    const was = tableOf(seen.before);
    return [...tableOf(seen.now)]
      .filter(([what, value]) => was.get(what) !== value && !(was.has(what) && seen.owned.has(what)))
      .map(([what]) => ({ key: what, detail: `${what} ${was.has(what) ? 'has changed' : 'is new'}` }));
  },
};
