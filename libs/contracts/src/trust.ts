import { z } from 'zod';
import { Sha256, Timestamp } from './digest.js';

/** What a key may sign. `apt` keys are OpenPGP and stand in the keyring instead. */
export const KeyPurpose = z.enum(['manifest', 'verdict', 'audit']);
export type KeyPurpose = z.infer<typeof KeyPurpose>;

const PublicKeyPem = z.string().max(1000).startsWith('-----BEGIN PUBLIC KEY-----');

export const RootKey = z.object({ keyId: Sha256, publicKeyPem: PublicKeyPem });
export type RootKey = z.infer<typeof RootKey>;

export const TrustedKey = z.object({
  purpose: KeyPurpose,
  /** SHA-256 of the public key's SubjectPublicKeyInfo. */
  keyId: Sha256,
  /** ECDSA P-256. */
  publicKeyPem: PublicKeyPem,
  from: Timestamp,
  /** What it signed later is not believed; null while it is in use. */
  until: Timestamp.nullable(),
  /** Stolen or lost: nothing that it ever signed is believed. */
  revoked: z.boolean(),
});
export type TrustedKey = z.infer<typeof TrustedKey>;

/**
 * Which keys are believed for what, signed by keys that lie off the server (the root). After the roles of The Update
 * Framework (TUF 1.0, root and key rotation): each version is signed by a threshold of the roots of the version before
 * and of its own, so that whoever believes one version can follow to the next.
 */
export const TrustDocument = z.object({
  version: z.int().positive(),
  issuedAt: Timestamp,
  expires: Timestamp,
  roots: z.object({ threshold: z.int().min(1).max(10), keys: z.array(RootKey).min(1).max(20) }),
  keys: z.array(TrustedKey).max(100),
  /** OpenPGP public keys, armoured, that may sign the channels' apt repositories. */
  aptKeyring: z.string().max(100_000),
});
export type TrustDocument = z.infer<typeof TrustDocument>;

export const TRUST_PAYLOAD_TYPE = 'application/vnd.vouch.trust.v1+json';
