import { linesOf } from './derived-check.js';
import { WALK } from './walk.js';

/**
 * Lists every link of update-alternatives (update-alternatives(1)): those in /etc/alternatives, and those that lead there.
 * Each line has the link, the file that it leads to in the end, and two words: whether a package owns that file, and
 * whether one owns the link itself. Names that would break a line are left out, so that they count as unknown. Links in
 * /usr/local are left out as well, since packages have no business there (Debian Policy 9.1.2). Where there is no link, the
 * lists of all packages are not read: that takes longer than anything else in a look at some files.
 */
export const ALTERNATIVES_SCRIPT = `[ ! -s ${WALK.alternatives} ] || perl -MCwd=realpath -e '
  sub merged { $_[0] =~ s{^/(bin|sbin|lib|lib32|lib64|libx32)(?=/)}{/usr/$1}r }
  my (%to, %asked, %owned);
  { local $/ = "\\0";
    while (<STDIN>) { chomp; my $end = realpath($_) // ""; $to{$_} = $end unless "$_$end" =~ /[\\t\\n]/ } }
  # A list may name a file of /usr by its place before /usr was merged.
  for (map merged($_), %to) { $asked{"$_\\n"} = $_; $asked{"$1\\n"} = $_ if m{^/usr(/(?:bin|sbin|lib|lib32|lib64|libx32)/.*)} }
  @ARGV = glob "/var/lib/dpkg/info/*.list";
  while (<>) { my $path = $asked{$_} // next; $owned{$path} = 1 }
  for (sort keys %to) {
    my $end = $to{$_};
    print join("\\t", $_, $end, $owned{merged($end)} && -e $end ? "owned" : "unknown", $owned{merged($_)} ? "taken" : "free"), "\\n";
  }' < ${WALK.alternatives}`;

export interface Alternative {
  /** Where the link leads in the end. */
  readonly target: string;
  /** The link is nobody's file, and what it leads to is there and belongs to a package. */
  readonly inOrder: boolean;
}

/** Reads what {@link ALTERNATIVES_SCRIPT} printed, by the path of the link. */
export function readAlternatives(listing: string): Map<string, Alternative> {
  return new Map(
    linesOf(listing).map((line) => {
      const [path = '', target = '', owner, link] = line.split('\t');
      return [path, { target, inOrder: owner === 'owned' && link === 'free' }];
    }),
  );
}
