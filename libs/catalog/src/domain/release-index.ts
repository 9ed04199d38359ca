import { parseParagraph } from './control-fields.js';
import { IndexMalformed, IndexOfAnotherSuite } from './errors.js';

export interface IndexedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** What a signed Release file says. */
export interface ReleaseIndex {
  readonly origin: string;
  readonly suite: string;
  readonly codename: string;
  readonly date: Date;
  readonly validUntil: Date | null;
  readonly acquireByHash: boolean;
  readonly files: ReadonlyMap<string, IndexedFile>;
}

/**
 * Reads the payload of a Release file. Only SHA-256 counts; weaker sums are not looked at.
 * Source: Debian repository format, "Release" files.
 * @throws IndexMalformed
 */
export function parseRelease(text: string): ReleaseIndex {
  const fields = parseParagraph(text);
  const sums = fields.get('sha256');
  if (sums === undefined) throw new IndexMalformed('it names no SHA-256 sums');
  const files = new Map<string, IndexedFile>();
  for (const line of sums.split('\n')) {
    const [sha256, size, path] = line.trim().split(/\s+/);
    if (sha256 === undefined || size === undefined || path === undefined) continue;
    if (/^[0-9a-f]{64}$/.test(sha256) && /^\d+$/.test(size)) files.set(path, { path, sizeBytes: Number(size), sha256 });
  }
  const validUntil = fields.get('valid-until');
  return {
    origin: fields.get('origin') ?? '',
    suite: fields.get('suite') ?? '',
    codename: fields.get('codename') ?? '',
    date: time(fields.get('date'), 'Date'),
    validUntil: validUntil === undefined ? null : time(validUntil, 'Valid-Until'),
    acquireByHash: fields.get('acquire-by-hash') === 'yes',
    files,
  };
}

/** Of the forms that RFC 822 allows, archives write and apt takes just this one, in UTC. */
const TIME = /^[A-Z][a-z]{2}, (\d{1,2} [A-Z][a-z]{2} \d{4} \d{1,2}:\d{2}:\d{2}) (?:UTC|GMT|\+0000)$/;

function time(text: string | undefined, name: string): Date {
  const date = new Date(`${TIME.exec(text ?? '')?.[1]} GMT`);
  if (Number.isNaN(date.getTime())) throw new IndexMalformed(`its ${name} is missing or no date`);
  return date;
}

/**
 * Is this the index of the suite that was asked for? A mirror can serve any suite's properly signed index at any place.
 * @param suite as a sources file names it: a suite or codename, or the older `buster/updates`
 * @throws IndexOfAnotherSuite
 */
export function checkSuite({ suite, codename }: Pick<ReleaseIndex, 'suite' | 'codename'>, wanted: string): void {
  if (wanted === suite || wanted === codename) return;
  if (codename !== '' && wanted === `${codename}/updates`) return;
  throw new IndexOfAnotherSuite(wanted, codename || suite || 'no suite that it names');
}
