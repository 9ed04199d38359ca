import type { AuditCheckpoint, DsseEnvelope, TrustDocument } from '@vouch/contracts';
import { openCheckpoint } from './audit-checkpoint.js';
import { EnvelopeRejected, keyIdOf, signersOf } from './dsse.js';

/** A key that signs the ends of audit chains, with the time for which it counts. */
export interface AuditKey {
  readonly keyId: string;
  readonly publicKeyPem: string;
  /** Null where nobody says: a key that was named without the log of keys counts for what it signed at any time. */
  readonly from: Date | null;
  readonly until: Date | null;
  /** When it was revoked; what it signed from then on is refused. */
  readonly revokedAt: Date | null;
}

/** A signed end of a chain that counts. */
export interface Head {
  readonly checkpoint: AuditCheckpoint;
  /** Its key was revoked after it had signed: whoever stole the key can date a head back, so it is worth less. */
  readonly keyRevokedLater: boolean;
}

/** A signed end of a chain that does not count, and why; `claimed` is what it says, which may be a lie. */
export interface RefusedHead {
  readonly claimed: AuditCheckpoint | null;
  readonly problem: string;
}

/**
 * The audit keys of an installation, from the log of its trust documents, oldest first. A document only says that a key
 * is revoked; the first that says so says when.
 */
export function auditKeysOf(log: readonly TrustDocument[]): AuditKey[] {
  const keys = new Map<string, AuditKey>();
  for (const { issuedAt, keys: named } of log) {
    for (const { purpose, keyId, publicKeyPem, from, until, revoked } of named) {
      if (purpose !== 'audit') continue;
      const revokedAt = keys.get(keyId)?.revokedAt ?? (revoked ? new Date(issuedAt) : null);
      const ended = until === null ? null : new Date(until);
      keys.set(keyId, { keyId, publicKeyPem, from: new Date(from), until: ended, revokedAt });
    }
  }
  return [...keys.values()];
}

/** A public key that somebody vouches for without the log. */
export function auditKeyGiven(publicKeyPem: string): AuditKey {
  return { keyId: keyIdOf(publicKeyPem), publicKeyPem, from: null, until: null, revokedAt: null };
}

/** Keys from several places: what the log says of a key counts more than that somebody named it. */
export function joinAuditKeys(log: readonly AuditKey[], given: readonly AuditKey[]): AuditKey[] {
  const known = new Set(log.map(({ keyId }) => keyId));
  return [...log, ...given.filter(({ keyId }) => !known.has(keyId))];
}

/** Opens a signed end of a chain with the key that counted when it was signed. */
export function openHead(envelope: DsseEnvelope, keys: readonly AuditKey[]): Head | RefusedHead {
  const pems = keys.map(({ publicKeyPem }) => publicKeyPem);
  const checkpoint = openOrNull(envelope, pems);
  if (checkpoint === null) return { claimed: null, problem: 'is signed by no trusted key' };
  const signers = signersOf(envelope, pems);
  const at = Date.parse(checkpoint.at);
  const problems: string[] = [];
  const counted = keys.filter((key) => {
    if (!signers.has(key.keyId)) return false;
    const problem = problemOf(key, at);
    if (problem !== null) problems.push(problem);
    return problem === null;
  });
  if (counted.length === 0) return { claimed: checkpoint, problem: problems[0] ?? 'is signed by no trusted key' };
  return { checkpoint, keyRevokedLater: counted.every(({ revokedAt }) => revokedAt !== null) };
}

/** Signed ends of chains, parted into those that count and those that do not. */
export function openHeads(
  envelopes: readonly DsseEnvelope[],
  keys: readonly AuditKey[],
): { readonly heads: Head[]; readonly refused: RefusedHead[] } {
  const [heads, refused]: [Head[], RefusedHead[]] = [[], []];
  for (const envelope of envelopes) {
    const opened = openHead(envelope, keys);
    if ('problem' in opened) refused.push(opened);
    else heads.push(opened);
  }
  return { heads, refused };
}

/**
 * The ends that a walk must meet. What a key signed that was revoked later says nothing where one that counts signed as
 * far: whoever stole it could date a lie back.
 */
export function endsToMeet(heads: readonly Head[]): AuditCheckpoint[] {
  const strong = heads.filter(({ keyRevokedLater }) => !keyRevokedLater).map(({ checkpoint }) => checkpoint);
  const weak = heads.filter(({ keyRevokedLater }) => keyRevokedLater).map(({ checkpoint }) => checkpoint);
  const covered = ({ chain, seq }: AuditCheckpoint): boolean =>
    strong.some((other) => other.chain === chain && other.seq >= seq);
  return [...strong, ...weak.filter((checkpoint) => !covered(checkpoint))];
}

/**
 * The first refused head that stands alone. A worker that was not restarted signs with a revoked key for a while; once
 * a key that counts has signed the same entries, that proves nothing and harms nothing. A key that nobody knows never
 * signs by mistake.
 */
export function unansweredRefusal(heads: readonly Head[], refused: readonly RefusedHead[]): RefusedHead | null {
  const answered = ({ claimed }: RefusedHead): boolean =>
    claimed !== null &&
    heads.some(
      ({ checkpoint, keyRevokedLater }) =>
        !keyRevokedLater && checkpoint.chain === claimed.chain && checkpoint.seq >= claimed.seq,
    );
  return refused.find((head) => !answered(head)) ?? null;
}

function problemOf({ from, until, revokedAt }: AuditKey, at: number): string | null {
  if (revokedAt !== null && at >= revokedAt.getTime())
    return `was signed by a key that had been revoked at ${revokedAt.toISOString()}`;
  if (from !== null && at < from.getTime()) return `was signed by a key that began only at ${from.toISOString()}`;
  if (until !== null && at > until.getTime()) return `was signed by a key that had ended at ${until.toISOString()}`;
  return null;
}

function openOrNull(envelope: DsseEnvelope, pems: readonly string[]): AuditCheckpoint | null {
  try {
    return openCheckpoint(envelope, pems);
  } catch (error) {
    if (error instanceof EnvelopeRejected) return null;
    throw error;
  }
}
