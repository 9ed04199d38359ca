import { quote } from '../machine-check.js';

/** Folders of settings, secrets and data, whose owners and permissions are looked at four levels deep. */
const KEPT = ['/etc', '/root', '/home', '/srv', '/opt', '/var/lib'];
/** Folders in which programs lie, besides /usr. */
const PROGRAMS = ['/opt', '/srv', '/home', '/root'];

const below = (folders: readonly string[]): string => folders.map((folder) => `-path '${folder}/*'`).join(' -o ');
const fourDeep = KEPT.map((folder) => `-path ${folder} -o -path '${folder}/*' ! -path '${folder}/*/*/*/*/*'`).join(
  ' -o ',
);

/** Where the lists of a walk are, for scripts of checks that run `after-walk`. */
export const WALK = {
  /** Files and folders that run as their owner, or that everybody may write (except shared folders): `path<tab>type mode user`. */
  rights: '"$walk/rights"',
  /** What is in the folders of settings, secrets and data: `path<tab>mode user:group`, both as numbers. */
  kept: '"$walk/kept"',
  /** Programs, each ended by a zero byte. */
  programs: '"$walk/programs"',
  /** Links of update-alternatives, each ended by a zero byte. */
  alternatives: '"$walk/alternatives"',
  /** New settings that the packages' tools have left for a person to decide about. */
  undecided: '"$walk/undecided"',
} as const;

/** In memory: what is written to a disk would be seen as written. */
export const PREPARE_WALK = 'walk=$(mktemp -d /run/vouch-walk.XXXXXX) || exit 1';

const PROGRAM = `-type f -perm /111 -fprint0 ${WALK.programs}`;

/**
 * Makes all lists on one way through the files, since the way takes longer than anything else in a look. What is below /usr,
 * most of all files, is not compared with what is elsewhere; looking up a user's name would take longer than finding the file.
 */
const TESTS = `\\( \\( -type f -o -type d \\) \\( -perm /6000 -o -perm -0002 ! -perm -1000 \\) ! -path '/var/log/journal*' \\
     -fprintf ${WALK.rights} '%p\\t%y %m %u\\n' \\) , \\
  \\( -path '/usr/*' \\( \\
     \\( ${PROGRAM} \\) , \\
     \\( -type l ! -path '/usr/local/*' -lname '/etc/alternatives/*' -fprint0 ${WALK.alternatives} \\) , -true \\) -o \\
     \\( ! -type l ! -path '/var/lib/systemd/*' \\( ${fourDeep} \\) -fprintf ${WALK.kept} '%p\\t%m %U:%G\\n' \\) , \\
     \\( -path '/etc/*' \\( \\
       \\( -type l \\( -path '/etc/alternatives/*' -o -lname '/etc/alternatives/*' \\) -fprint0 ${WALK.alternatives} \\) , \\
       \\( \\( -name '*.dpkg-dist' -o -name '*.dpkg-new' -o -name '*.ucf-dist' \\) -fprint ${WALK.undecided} \\) , -true \\) -o \\
       \\( \\( ${below(PROGRAMS)} \\) ${PROGRAM} \\) \\) \\)`;

/** Makes the lists of all files of the machine. Paths are bytes to find(1), which it compares far quicker than characters. */
export const WALK_SCRIPT = `LC_ALL=C find / -xdev ${TESTS} 2> /dev/null`;

/** A script is an argument, which Linux limits to 128 KiB; see execve(2). */
const MOST_BYTES = 64 * 1024;

/**
 * Makes the lists of some files only.
 * @param paths absolute
 * @returns null when there are too many, or one has a name of more than one line: then all files are to be walked through
 */
export function walkOf(paths: readonly string[]): string | null {
  const lines = paths.map((path) => `${path}\n`).join('');
  if (Buffer.byteLength(lines) > MOST_BYTES || lines.split('\n').length !== paths.length + 1) return null;
  return [
    `for list in ${Object.keys(WALK).join(' ')}; do : > "$walk/$list"; done`,
    // One find for all of them: a second one would begin the lists anew.
    `walk=$walk tests=${quote(TESTS)} LC_ALL=C xargs -r -x -s ${2 * MOST_BYTES} -d '\\n' \\`,
    `  sh -c 'eval "find \\"\\$@\\" -maxdepth 0 $tests"' sh 2> /dev/null << 'VOUCH-PATHS'`,
    `${lines}VOUCH-PATHS`,
  ].join('\n');
}
