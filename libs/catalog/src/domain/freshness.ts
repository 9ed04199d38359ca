import { IndexExpired, IndexNotYetValid, IndexRolledBack } from './errors.js';
import type { ReleaseIndex } from './release-index.js';

/** Clocks of honest machines differ by less. */
const CLOCK_TOLERANCE_MS = 60 * 60 * 1000;

/**
 * May this index be used now (I7)? Time only goes forward: an expired index, or one older than what was accepted
 * before, is how a mirror is held back to hide a fix.
 * @throws IndexNotYetValid, IndexExpired, IndexRolledBack
 */
export function checkFreshness(
  release: Pick<ReleaseIndex, 'date' | 'validUntil'>,
  lastAccepted: Date | null,
  now: Date,
): void {
  // Once taken, an index of the future would make every true one after it look rolled back.
  if (release.date.getTime() > now.getTime() + CLOCK_TOLERANCE_MS) throw new IndexNotYetValid(release.date, now);
  if (release.validUntil !== null && release.validUntil.getTime() <= now.getTime())
    throw new IndexExpired(release.validUntil);
  if (lastAccepted !== null && release.date.getTime() < lastAccepted.getTime())
    throw new IndexRolledBack(release.date, lastAccepted);
}
