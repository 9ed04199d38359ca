import { paragraphs, parseParagraph } from './control-fields.js';

/** One (URI, suite) that a machine's apt is configured to read. */
export interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** Key ring file that must have signed it, or an armoured key; null means apt's trusted ones. */
  readonly signedBy: string | null;
}

/** Reads a `.sources` file. Source: sources.list(5), deb822 style. */
export function parseDeb822Sources(text: string): AptSource[] {
  return [...paragraphs(text.replaceAll('\r\n', '\n').replace(/\n[ \t]+\n/g, '\n\n'))].flatMap((paragraph) => {
    const fields = parseParagraph(paragraph);
    const words = (name: string): string[] => (fields.get(name) ?? '').split(/\s+/).filter((word) => word !== '');
    if (!words('types').includes('deb') || isNo(fields.get('enabled'))) return [];
    const signedBy = fields.get('signed-by')?.trim() ?? null;
    return words('uris').flatMap((uri) =>
      words('suites').map((suite) => ({ uri: withoutSlash(uri), suite, components: words('components'), signedBy })),
    );
  });
}

/** Reads a `.list` file. Source: sources.list(5), one-line style. */
export function parseOneLineSources(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const found = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (!found) return [];
    const [, options = '', uri = '', suite = '', components = ''] = found;
    const signedBy = /(?:^|\s)signed-by=(\S+)/.exec(options)?.[1] ?? null;
    return [
      { uri: withoutSlash(uri), suite, components: components.split(/\s+/).filter((word) => word !== ''), signedBy },
    ];
  });
}

export interface ChosenSource extends AptSource {
  readonly kind: 'release' | 'security';
}

/**
 * The distribution's release and security suites among what a machine reads. Other suites and other vendors are left out.
 * @param codename VERSION_CODENAME of the machine's os-release, e.g. `bookworm`
 */
export function chooseSources(sources: readonly AptSource[], codename: string): ChosenSource[] {
  const find = (kind: ChosenSource['kind'], suites: readonly string[]): ChosenSource[] => {
    const source = sources.find(
      ({ suite, uri, components }) => suites.includes(suite) && /^https?:/.test(uri) && components.includes('main'),
    );
    return source ? [{ ...source, kind }] : [];
  };
  return [...find('security', [`${codename}-security`, `${codename}/updates`]), ...find('release', [codename])];
}

const withoutSlash = (uri: string): string => uri.replace(/\/+$/, '');
/** The words that apt takes for no. Source: apt.conf(5) and apt's StringToBool. */
const isNo = (word = 'yes'): boolean => /^(no|false|without|off|disable|0)$/i.test(word);
