import type { IndexedPackage } from './domain/packages-index.js';
import type { ReleaseIndex } from './domain/release-index.js';

/** One complete, verified look at a vendor's feed. */
export interface FeedSnapshot {
  readonly indexSha256: string;
  /** The signed index as it came, to be kept. */
  readonly index: Buffer;
  readonly signedBy: string;
  readonly release: ReleaseIndex;
  packages(): Iterable<IndexedPackage>;
}

/** A vendor's feed. Nothing unverified ever leaves it. */
export interface Feed {
  /**
   * @param knownSha256 digest of the signed index that was stored last: an unchanged one is verified, and not read again
   * @throws IntakeError
   */
  poll(
    knownSha256: string | null,
  ): Promise<
    { readonly kind: 'unchanged'; readonly release: ReleaseIndex } | ({ readonly kind: 'snapshot' } & FeedSnapshot)
  >;
}
