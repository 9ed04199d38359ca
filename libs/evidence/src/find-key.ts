import type { KeyPurpose, TrustDocument } from '@vouch/contracts';
import { activeKey } from './domain/trust.js';
import { KeyStoreError, type KeyStore } from './key-store.port.js';
import type { Signer } from './signer.port.js';

const MOST_ROTATIONS = 99;

/** Names of a purpose's keys, oldest first: `manifest`, `manifest-2`, `manifest-3`, ... */
export const keyName = (purpose: string, generation: number): string =>
  generation === 1 ? purpose : `${purpose}-${generation}`;

/** How many keys of a purpose the store holds. */
export async function generationsOf(store: KeyStore, purpose: string): Promise<number> {
  for (let generation = 1; generation <= MOST_ROTATIONS; generation += 1)
    if (!(await store.has(keyName(purpose, generation)))) return generation - 1;
  throw new KeyStoreError(`There are more than ${MOST_ROTATIONS} keys for ${purpose}: remove the oldest.`);
}

/**
 * The signer that the trust document names for a purpose now.
 * @throws KeyStoreError when the store does not hold it: nothing is signed with a key that nobody would believe
 */
export async function findTrustedSigner(
  store: KeyStore,
  trust: TrustDocument,
  purpose: KeyPurpose,
  now: Date,
): Promise<Signer> {
  const wanted = activeKey(trust, purpose, now);
  if (wanted === undefined)
    throw new KeyStoreError(`The trust document names no key that may sign as ${purpose} now: rotate or renew it.`);
  for (let generation = await generationsOf(store, purpose); generation >= 1; generation -= 1) {
    const signer = await store.open(keyName(purpose, generation));
    if (signer.keyId === wanted.keyId) return signer;
  }
  throw new KeyStoreError(`The key store does not hold the key ${wanted.keyId} that may sign as ${purpose}.`);
}
