import { DsseEnvelope, TrustDocument, TRUST_PAYLOAD_TYPE, type KeyPurpose, type TrustedKey } from '@vouch/contracts';
import canonicalize from 'canonicalize';
import { keyIdOf, signersOf } from './dsse.js';

/** A trust document that is not to be followed. The one before stays in force until it expires. */
export class TrustRejected extends Error {
  readonly code = 'trust-rejected';
}

/** The bytes that roots sign: canonical JSON (RFC 8785), so that equal documents are equal bytes. */
export function trustBytes(document: TrustDocument): Buffer {
  return Buffer.from(canonicalize(TrustDocument.parse(document)) ?? '', 'utf8');
}

/**
 * Follows from a trust document that is believed to the next.
 * @param believed null for the very first, which is believed because `pinned` says so: the key ids of its roots
 * @throws TrustRejected with the reason
 */
export function followTrust(
  believed: TrustDocument | null,
  envelope: DsseEnvelope,
  pinned: readonly string[] = [],
): TrustDocument {
  const next = read(envelope);
  const expected = (believed?.version ?? 0) + 1;
  if (next.version !== expected) throw new TrustRejected(`It is version ${next.version}, not ${expected}.`);
  checkRoots(next);
  requireThreshold(envelope, next.roots, 'its own');
  if (believed !== null) requireThreshold(envelope, believed.roots, 'the present');
  else if (!next.roots.keys.every(({ keyId }) => pinned.includes(keyId)))
    throw new TrustRejected('It names roots that were not pinned.');
  return next;
}

/**
 * May a signature of this key, made at this time, be believed for this purpose?
 * @param signedAt what the signed thing says of its own time; a stolen key can lie about it, which is why it is revoked
 */
export function isTrusted(document: TrustDocument, purpose: KeyPurpose, keyId: string, signedAt: Date): boolean {
  const key = document.keys.find((each) => each.purpose === purpose && each.keyId === keyId);
  if (key === undefined || key.revoked) return false;
  const at = signedAt.getTime();
  return at >= Date.parse(key.from) && (key.until === null || at <= Date.parse(key.until));
}

/** The key that signs now for a purpose: the newest that has begun, has not ended and was not revoked. */
export function activeKey(document: TrustDocument, purpose: KeyPurpose, now: Date): TrustedKey | undefined {
  return document.keys
    .filter((key) => key.purpose === purpose && isTrusted(document, purpose, key.keyId, now))
    .sort((a, b) => Date.parse(b.from) - Date.parse(a.from))[0];
}

function read(envelope: DsseEnvelope): TrustDocument {
  const wellFormed = DsseEnvelope.safeParse(envelope);
  if (!wellFormed.success) throw new TrustRejected('It is no envelope.');
  if (envelope.payloadType !== TRUST_PAYLOAD_TYPE)
    throw new TrustRejected(`The envelope holds ${envelope.payloadType}, not a trust document.`);
  try {
    return TrustDocument.parse(JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8')));
  } catch {
    throw new TrustRejected('Its content is not a trust document.');
  }
}

/** A key stands under its own digest, once: else one key could count for several. */
function checkRoots({ roots, keys }: TrustDocument): void {
  for (const { keyId, publicKeyPem } of [...roots.keys, ...keys])
    if (digestOf(publicKeyPem) !== keyId)
      throw new TrustRejected(`The key ${keyId} stands under a digest that is not its own.`);
  const ids = new Set(roots.keys.map(({ keyId }) => keyId));
  if (ids.size !== roots.keys.length) throw new TrustRejected('It names a root twice.');
  if (roots.threshold > ids.size) throw new TrustRejected('It asks for more roots than it names.');
}

const digestOf = (pem: string): string | null => {
  try {
    return keyIdOf(pem);
  } catch {
    return null;
  }
};

function requireThreshold(envelope: DsseEnvelope, roots: TrustDocument['roots'], whose: string): void {
  const signed = signersOf(
    envelope,
    roots.keys.map(({ publicKeyPem }) => publicKeyPem),
  ).size;
  if (signed < roots.threshold)
    throw new TrustRejected(`${signed} of ${whose} roots signed it, and ${roots.threshold} must.`);
}

/** Ids of the keys whose signatures of a purpose are believed at all. */
export function believedKeyIds(document: TrustDocument, purpose: KeyPurpose): string[] {
  return document.keys.filter((key) => key.purpose === purpose && !key.revoked).map((key) => key.keyId);
}
