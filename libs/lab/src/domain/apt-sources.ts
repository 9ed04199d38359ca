/** Where a release suite of packages can be fetched from, and the key that signs it. */
export interface ReleaseSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** Absolute path of the keyring that signs the suite; absent means the system's trusted keys. */
  readonly signedBy?: string;
}

/** The machine's package sources name no release suite of its own distribution. */
export class NoReleaseSource extends Error {
  readonly code = 'no-release-source';
  constructor(codename: string) {
    super(
      `No package source of this machine offers the suite "${codename}": add one under /etc/apt/sources.list.d, since goldens are built from it.`,
    );
    this.name = 'NoReleaseSource';
  }
}

/**
 * Finds the release suite (not its updates, not its security suite) among a machine's package sources.
 * Formats: sources.list(5), one-line style and deb822 style.
 * @param files the text of each sources file, with its name
 * @param codename of the distribution, from os-release(5) `VERSION_CODENAME`
 * @throws NoReleaseSource
 */
export function findReleaseSource(
  files: readonly { readonly name: string; readonly text: string }[],
  codename: string,
): ReleaseSource {
  const entries = files.flatMap(({ name, text }) => (name.endsWith('.sources') ? deb822(text) : oneLine(text)));
  const [first, ...others] = entries.filter((entry) => entry.suite === codename);
  if (first === undefined) throw new NoReleaseSource(codename);
  const same = others.filter((entry) => entry.uri === first.uri);
  const components = [...new Set([first, ...same].flatMap((entry) => entry.components))];
  return { ...first, components };
}

function oneLine(text: string): ReleaseSource[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    if (match === null) return [];
    const [, options = '', uri = '', suite = '', components = ''] = match;
    const signedBy = /(?:^|\s)signed-by=(\S+)/.exec(options)?.[1];
    return [{ uri, suite, components: words(components), ...keyring(signedBy) }];
  });
}

function deb822(text: string): ReleaseSource[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): string =>
      new RegExp(`^${name}:[ \\t]*(.*(?:\\n[ \\t]+.*)*)`, 'im').exec(withoutComments(stanza))?.[1] ?? '';
    if (!words(field('Types')).includes('deb') || /^(no|false)$/i.test(field('Enabled').trim())) return [];
    const components = words(field('Components'));
    return words(field('URIs')).flatMap((uri) =>
      words(field('Suites')).map((suite) => ({ uri, suite, components, ...keyring(field('Signed-By').trim()) })),
    );
  });
}

/** A key may also stand inline in a deb822 file; then the system's keyrings have to do. */
const keyring = (value: string | undefined): { signedBy?: string } =>
  value !== undefined && value.startsWith('/') && !value.includes('\n') ? { signedBy: value } : {};

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

const withoutComments = (stanza: string): string =>
  stanza
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');
