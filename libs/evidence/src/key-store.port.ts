import type { Signer } from './signer.port.js';

/** A key store cannot be used as it is configured, or refuses to sign. The message never holds a secret. */
export class KeyStoreError extends Error {
  readonly code = 'key-store';
}

/**
 * Where private keys lie: each has a name (`manifest`, `verdict`, `audit`, with a number after a rotation) and never
 * leaves. Files, a token behind PKCS#11, or a program that speaks to a cloud's key service.
 */
export interface KeyStore {
  /** @throws KeyStoreError when there is no key of this name */
  open(name: string): Promise<Signer>;
  has(name: string): Promise<boolean>;
  /** Makes a key (ECDSA P-256) unless it is there; a store that cannot make keys says how to make one. */
  create(name: string): Promise<Signer>;
}

const NAME = /^[a-z][a-z0-9-]{0,40}$/;
/** Names become file names, labels and arguments. */
export function requireKeyName(name: string): string {
  if (!NAME.test(name)) throw new TypeError('A key name is lower-case letters, digits and hyphens.');
  return name;
}
