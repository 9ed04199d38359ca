import type { KeyPurpose, RootKey, TrustDocument } from '@vouch/contracts';

export interface PublicKey {
  readonly keyId: string;
  readonly publicKeyPem: string;
}
/** When a document is made, and for how long it holds: a server that is cut off from its roots stops in the end. */
export interface Validity {
  readonly now: Date;
  readonly validDays: number;
}

const DAY_MS = 86_400_000;
const inDays = (now: Date, days: number): string => new Date(now.getTime() + days * DAY_MS).toISOString();

export function firstTrust(
  roots: readonly PublicKey[],
  threshold: number,
  keys: Readonly<Record<KeyPurpose, PublicKey>>,
  aptKeyring: string,
  { now, validDays }: Validity,
): TrustDocument {
  return {
    version: 1,
    issuedAt: now.toISOString(),
    expires: inDays(now, validDays),
    roots: { threshold, keys: roots.map(rootOf) },
    keys: (Object.keys(keys) as KeyPurpose[]).map((purpose) => ({
      purpose,
      ...rootOf(keys[purpose]),
      from: now.toISOString(),
      until: null,
      revoked: false,
    })),
    aptKeyring,
  };
}

/** The same content under the next version: to renew it before it expires, or to change something in it. */
export function renewed(document: TrustDocument, { now, validDays }: Validity): TrustDocument {
  return { ...document, version: document.version + 1, issuedAt: now.toISOString(), expires: inDays(now, validDays) };
}

/**
 * A new key begins at once; those before it go on for some days, since machines that are switched off follow later, and
 * what they signed in their time stays believed.
 */
export function rotated(
  document: TrustDocument,
  purpose: KeyPurpose,
  key: PublicKey,
  overlapDays: number,
  validity: Validity,
): TrustDocument {
  const until = inDays(validity.now, overlapDays);
  const keys = document.keys.map((each) =>
    each.purpose === purpose && each.until === null ? { ...each, until } : each,
  );
  const added = { purpose, ...rootOf(key), from: validity.now.toISOString(), until: null, revoked: false };
  return { ...renewed(document, validity), keys: [...keys, added] };
}

/** Nothing that the key ever signed is believed any more. Unknown ids change nothing but the version. */
export function revoked(document: TrustDocument, keyId: string, validity: Validity): TrustDocument {
  const keys = document.keys.map((key) => (key.keyId === keyId ? { ...key, revoked: true } : key));
  return { ...renewed(document, validity), keys };
}

/** Other roots from here on; the old ones and the new ones must sign it. */
export function withRoots(
  document: TrustDocument,
  roots: readonly PublicKey[],
  threshold: number,
  validity: Validity,
): TrustDocument {
  return { ...renewed(document, validity), roots: { threshold, keys: roots.map(rootOf) } };
}

export function withAptKeyring(document: TrustDocument, aptKeyring: string, validity: Validity): TrustDocument {
  return { ...renewed(document, validity), aptKeyring };
}

const rootOf = ({ keyId, publicKeyPem }: PublicKey): RootKey => ({ keyId, publicKeyPem });
