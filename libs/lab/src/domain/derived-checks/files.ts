import { ALTERNATIVES_SCRIPT, readAlternatives } from './alternatives.js';
import { linesOf, tableOf, type DerivedCheck, type Finding, type Seen } from './derived-check.js';
import { WALK } from './walk.js';

/**
 * Where programs and settings lie. What a service keeps for itself in /var is its own affair: whether it is still right
 * is for written probes to say.
 */
const GUARDED = /^\/(etc|usr|bin|sbin|lib|lib64|boot|root|home|opt|srv)\/|^\/var\/(spool\/cron|www)\//;

/** Files that packages' triggers and maintainer scripts write anew, and that say nothing about another package. */
const GENERATED: readonly RegExp[] = [
  /^\/etc\/ld\.so\.cache$/,
  // Merged from parts by ca-certificates.
  /^\/etc\/ssl\/certs\//,
  /^\/etc\/ca-certificates\.conf(\.dpkg-old)?$/,
  // Python's compiled files and other caches, made on the spot.
  /\/__pycache__\//,
  /^\/usr\/(share|lib)\/.*\/(gschemas\.compiled|icon-theme\.cache|mimeinfo\.cache|mime\.cache|gconv-modules\.cache)$/,
  /^\/usr\/share\/(info\/dir|mime\/|fonts\/.*\.uuid)/,
  // What it says is looked at together with the clock.
  /^\/etc\/timezone$/,
  // Who may log in is looked at line by line.
  /^\/etc\/(passwd|group|shadow|gshadow|subuid|subgid)-?$/,
  // Links to what update-alternatives has chosen are judged by where they lead.
  /^\/etc\/alternatives\//,
  // Lists of modules and first file systems, made anew for a kernel; whether a kernel starts with them, its start tells.
  /^\/usr\/lib\/modules\/[^/]+\/modules\.[a-z.]+$/,
  /^\/boot\/initrd\.img-[^/]+$/,
  // The name and addresses of the machine, which the lab writes.
  /^\/etc\/(hostname|machine-id|\.pwd\.lock|\.updated)$/,
  /^\/(etc|usr|var)\/\.updated$/,
];

/** Paths as dpkg knows them: /bin and its kind are links into /usr. */
export const merged = (path: string): string => path.replace(/^\/(bin|sbin|lib|lib32|lib64|libx32)(?=\/)/, '/usr/$1');

/** A path of the patch's own packages; dpkg's copies of settings belong to the file that they are copies of. */
export const isOwned = (path: string, { owned }: Pick<Seen, 'owned'>): boolean =>
  owned.has(merged(path)) || owned.has(merged(path.replace(/\.(dpkg-(dist|new|old|bak)|ucf-(dist|old))$/, '')));

/** A folder that is called like one of the patch's packages is its own, whatever its scripts write there. */
const isInOwnFolder = (path: string, { packages }: Seen): boolean => {
  const folder = /^\/(?:etc|usr\/lib|usr\/libexec|usr\/share|opt)\/([^/]+)\//.exec(path)?.[1];
  return folder !== undefined && packages.includes(folder);
};

/**
 * Links of update-alternatives belong to no package, and any package may make and change them: they are in order as
 * long as what runs in the end is a package's file. What that file may do is looked at with the rights of all files.
 */
export const FILES_OUTSIDE: DerivedCheck = {
  name: 'no program or setting outside the patch changed',
  runs: 'after-walk',
  script: ALTERNATIVES_SCRIPT,
  findings: (seen) => {
    const [was, is] = [seen.before, seen.now].map(readAlternatives) as [Alternatives, Alternatives];
    const files = seen.files
      .filter(({ path }) => GUARDED.test(path) && !GENERATED.some((pattern) => pattern.test(path)))
      .filter(({ path }) => !isOwned(path, seen) && !isInOwnFolder(path, seen) && is.get(path)?.inOrder !== true)
      .map(({ path, change }) => ({ key: `${change} ${path}`, detail: `${path} was ${change.replaceAll('-', ' ')}` }));
    const links = [...is]
      .filter(([path, { target, inOrder }]) => !inOrder && was.get(path)?.target !== target && !isOwned(path, seen))
      .map(([path, { target }]) => ({
        key: `alternative ${path} ${target}`,
        detail: `${path} leads to ${target}, which is no file of a package`,
      }));
    if (was.size > 0 && is.size === 0)
      links.push({ key: 'alternatives', detail: 'the links in /etc/alternatives cannot be listed any more' });
    return [...files, ...links];
  },
};

type Alternatives = ReturnType<typeof readAlternatives>;

export const SETTINGS_KEPT: DerivedCheck = {
  name: 'the installation asks nothing about settings',
  runs: 'after-walk',
  script: `cat ${WALK.undecided}`,
  findings: ({ before, now }) => {
    const known = new Set(linesOf(before));
    return linesOf(now)
      .filter((path) => !known.has(path))
      .map((path) => ({
        key: path,
        detail: `${path}: these settings were changed on the machine and by the vendor, so a person has to decide`,
      }));
  },
};

/** Files and folders that are special: run as their owner, or writable by everybody (except shared folders). */
export const PRIVILEGES: DerivedCheck = {
  name: 'no further file has special rights or is writable by everybody',
  runs: 'after-walk',
  script: [
    `cat ${WALK.rights}`,
    // 191 is getxattr on x86-64; without it, or without perl, capabilities are not looked at.
    `[ ! -s ${WALK.programs} ] || [ "$(uname -m)" != x86_64 ] || perl -0ne 'chomp; my ($b, $n) = ("\\0" x 64, "security.capability\\0"); print "$_\\tcapabilities\\n" if syscall(191, $_, $n, $b, 64) > 0' < ${WALK.programs}`,
    ':',
  ].join('\n'),
  findings: ({ before, now }) => {
    const was = tableOf(before);
    return [...tableOf(now)]
      .filter(([path, rights]) => was.get(path) !== rights)
      .map(([path, rights]) => ({ key: `${path} ${rights}`, detail: `${path} has the rights ${rights}` }));
  },
};

export const PERMISSIONS: DerivedCheck = {
  name: 'settings and secrets keep their owners and permissions',
  runs: 'after-walk',
  script: `cat ${WALK.kept}; sed 's/^/: /' /etc/passwd /etc/group`,
  findings: (seen): Finding[] => {
    const now = readRights(seen.now);
    return [...readRights(seen.before)].flatMap(([path, was]) => {
      const is = now.get(path);
      if (is === undefined || is === was) return [];
      const [oldMode, mode] = [was, is].map((rights) => parseInt(rights, 8));
      const opened = ((mode ?? 0) & ~(oldMode ?? 0) & 0o027) !== 0;
      // A package may close its own files and give them to another user; nobody may open them.
      if (isOwned(path, seen) && !opened) return [];
      return [{ key: `${path} ${is}`, detail: `${path} was ${was} and is ${is}` }];
    });
  },
};

/**
 * Reads `path<tab>mode user:group` with numbers, and the lines of /etc/passwd and /etc/group, each after a colon.
 * @returns mode, and names where there are any, by path
 */
export function readRights(listing: string): Map<string, string> {
  const rights = new Map<string, string>();
  const [users, groups] = [new Map<string, string>(), new Map<string, string>()];
  for (const line of linesOf(listing)) {
    if (!line.startsWith(': ')) continue;
    const [name = '', , id = '', ...rest] = line.slice(2).split(':');
    (rest.length > 1 ? users : groups).set(id, name);
  }
  for (const [path, value] of tableOf(listing)) {
    const [, mode, user = '', group = ''] = /^(\d+) (\d+):(\d+)$/.exec(value) ?? [];
    if (mode !== undefined && path.startsWith('/'))
      rights.set(path, `${mode} ${users.get(user) ?? user}:${groups.get(group) ?? group}`);
  }
  return rights;
}
