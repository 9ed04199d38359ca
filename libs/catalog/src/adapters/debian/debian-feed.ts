import { createHash } from 'node:crypto';
import type { AptSource } from '../../domain/apt-sources.js';
import { IndexMalformed, IndexTruncated } from '../../domain/errors.js';
import { checkFreshness } from '../../domain/freshness.js';
import { parsePackages, type IndexedPackage } from '../../domain/packages-index.js';
import { checkSuite, parseRelease, type IndexedFile, type ReleaseIndex } from '../../domain/release-index.js';
import type { Feed } from '../../feed.port.js';
import { fetchBytes } from './fetch-bytes.js';
import { verifyClearSigned } from './signature.js';
import { unpack } from './unpack.js';

const INDEX_LIMIT = { maxBytes: 4 * 1024 * 1024, timeoutMs: 30_000 };
const PACKAGES_TIMEOUT_MS = 120_000;
/** Decompressed; the largest suite of today has a fifth of it. */
const PACKAGES_LIMIT_BYTES = 512 * 1024 * 1024;

/** A suite of a Debian-style archive: signed InRelease → Packages index by digest → packages. */
export class DebianFeed implements Feed {
  constructor(
    private readonly source: AptSource,
    private readonly architecture: string,
    private readonly lastAccepted: Date | null,
    private readonly now: () => Date,
  ) {}

  async poll(knownSha256: string | null): ReturnType<Feed['poll']> {
    const base = `${this.source.uri}/dists/${this.source.suite}`;
    const index = await fetchBytes(`${base}/InRelease`, INDEX_LIMIT);
    const { text, signedBy } = await verifyClearSigned(index, this.source.signedBy);
    const release = parseRelease(text);
    checkSuite(release, this.source.suite);
    checkFreshness(release, this.lastAccepted, this.now());
    const indexSha256 = sha256(index);
    if (indexSha256 === knownSha256) return { kind: 'unchanged', release };
    const texts: string[] = [];
    for (const component of this.source.components.filter((name) => name === 'main')) {
      texts.push(await this.packagesText(base, release, component));
    }
    return { kind: 'snapshot', indexSha256, index, signedBy, release, packages: () => readAll(texts) };
  }

  private async packagesText(base: string, release: ReleaseIndex, component: string): Promise<string> {
    const folder = `${component}/binary-${this.architecture}`;
    const file = release.files.get(`${folder}/Packages.xz`) ?? release.files.get(`${folder}/Packages.gz`);
    if (!file) throw new IndexMalformed(`it names no ${folder}/Packages`);
    const path = release.acquireByHash ? `${folder}/by-hash/SHA256/${file.sha256}` : file.path;
    const packed = await fetchBytes(`${base}/${path}`, { maxBytes: file.sizeBytes, timeoutMs: PACKAGES_TIMEOUT_MS });
    check(packed, file);
    return (await unpack(file.path, packed, PACKAGES_LIMIT_BYTES)).toString('utf8');
  }
}

/** @throws IndexTruncated */
function check(bytes: Buffer, file: IndexedFile): void {
  if (bytes.length !== file.sizeBytes || sha256(bytes) !== file.sha256) throw new IndexTruncated(file.path);
}

function* readAll(texts: readonly string[]): Generator<IndexedPackage> {
  for (const text of texts) yield* parsePackages(text);
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
