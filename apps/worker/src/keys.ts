import path from 'node:path';
import { keyringFingerprints, OpenPgpSigner } from '@vouch/approval';
import type { TrustDocument } from '@vouch/contracts';
import {
  auditKeysOf,
  findTrustedSigner,
  keyDirectory,
  KeyStoreError,
  openKeyStore,
  TrustStore,
  type AuditKey,
  type Signer,
} from '@vouch/evidence';
import { systemClock } from '@vouch/platform';
import type { WorkerConfig } from './settings.js';

export interface Keys {
  readonly verdict: Signer;
  readonly manifest: Signer;
  readonly apt: OpenPgpSigner;
  readonly audit: Signer;
  /** All keys that ever signed ends of audit chains, with the time for which each counts. */
  readonly auditKeys: readonly AuditKey[];
  readonly trust: TrustDocument;
}

/**
 * Opens the keys that the newest trust document names. With another key the worker would sign what nobody believes, so
 * it does not start.
 * @throws KeyStoreError, TrustRejected
 */
export async function openKeys(config: WorkerConfig): Promise<Keys> {
  const now = systemClock();
  const log = await new TrustStore(path.join(config.VOUCH_DATA_DIR, 'public-keys/trust')).log();
  const newest = log.at(-1);
  if (newest === undefined) throw new KeyStoreError('There is no trust document: run `npm run keys -- init` first.');
  const trust = newest.document;
  if (Date.parse(trust.expires) <= now.getTime())
    throw new KeyStoreError(`The trust document expired at ${trust.expires}: run \`npm run keys -- renew\`.`);
  const store = openKeyStore(config);
  return {
    verdict: await findTrustedSigner(store, trust, 'verdict', now),
    manifest: await findTrustedSigner(store, trust, 'manifest', now),
    apt: await openAptSigner(keyDirectory(config), trust),
    audit: await findTrustedSigner(store, trust, 'audit', now),
    auditKeys: auditKeysOf(log.map(({ document }) => document)),
    trust,
  };
}

/** The newest OpenPGP key that machines know. */
async function openAptSigner(directory: string, trust: TrustDocument): Promise<OpenPgpSigner> {
  const known = await keyringFingerprints(trust.aptKeyring);
  for (const file of await OpenPgpSigner.filesIn(directory)) {
    const signer = await OpenPgpSigner.open(file, 'Vouch channels');
    if (known.includes(signer.fingerprint)) return signer;
  }
  throw new KeyStoreError('No OpenPGP key of this server is in the trust document: rotate apt.');
}
