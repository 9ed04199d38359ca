import { IndexExpired, IndexRolledBack } from './errors.js';
import type { ReleaseIndex } from './release-index.js';

/**
 * May this index be used now (I7)? Time only goes forward: an expired index, or one older than what was accepted
 * before, is how a mirror is held back to hide a fix.
 * @throws IndexExpired, IndexRolledBack
 */
export function checkFreshness(
  release: Pick<ReleaseIndex, 'date' | 'validUntil'>,
  lastAccepted: Date | null,
  now: Date,
): void {
  if (release.validUntil !== null && release.validUntil.getTime() <= now.getTime())
    throw new IndexExpired(release.validUntil);
  if (lastAccepted !== null && release.date.getTime() < lastAccepted.getTime())
    throw new IndexRolledBack(release.date, lastAccepted);
}
