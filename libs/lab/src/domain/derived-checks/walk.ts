/** Folders of settings, secrets and data, whose owners and permissions are looked at four levels deep. */
const KEPT = ['/etc', '/root', '/home', '/srv', '/opt', '/var/lib'];
/** Folders in which programs lie. */
const PROGRAMS = ['/usr', '/opt', '/srv', '/home', '/root'];

const below = (folders: readonly string[]): string => folders.map((folder) => `-path '${folder}/*'`).join(' -o ');
const fourDeep = KEPT.map((folder) => `-path ${folder} -o -path '${folder}/*' ! -path '${folder}/*/*/*/*/*'`).join(
  ' -o ',
);

/** Where the lists of a walk are, for scripts of checks that run `after-walk`. */
export const WALK = {
  /** Files and folders that run as their owner, or that everybody may write (except shared folders): `path<tab>type mode user`. */
  rights: '"$walk/rights"',
  /** What is in the folders of settings, secrets and data: `path<tab>mode user:group`. */
  kept: '"$walk/kept"',
  /** Programs, each ended by a zero byte. */
  programs: '"$walk/programs"',
  /** Links of update-alternatives, each ended by a zero byte. */
  alternatives: '"$walk/alternatives"',
} as const;

/** In memory: what is written to a disk would be seen as written. */
export const PREPARE_WALK = 'walk=$(mktemp -d /run/vouch-walk.XXXXXX) || exit 1';

/**
 * Goes through all files of the machine once, and makes several lists on the way: going through them takes longer than
 * anything else in a look.
 */
export const WALK_SCRIPT = `find / -xdev \\
  \\( \\( -type f -o -type d \\) \\( -perm /6000 -o -perm -0002 ! -perm -1000 \\) ! -path '/var/log/journal*' \\
     -fprintf ${WALK.rights} '%p\\t%y %m %u\\n' \\) , \\
  \\( ! -type l ! -path '/var/lib/systemd/*' \\( ${fourDeep} \\) -fprintf ${WALK.kept} '%p\\t%m %u:%g\\n' \\) , \\
  \\( -type f -perm /111 \\( ${below(PROGRAMS)} \\) -fprint0 ${WALK.programs} \\) , \\
  \\( -type l ! -path '/usr/local/*' \\( ${below(['/usr', '/etc'])} \\) \\
     \\( -path '/etc/alternatives/*' -o -lname '/etc/alternatives/*' \\) -fprint0 ${WALK.alternatives} \\) 2> /dev/null`;
