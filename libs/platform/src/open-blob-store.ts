import path from 'node:path';
import type { BlobStore } from './blob-store.js';
import { ConfigError, type Config } from './config/config.js';
import { ContentStore } from './content-store.js';
import { S3ContentStore } from './s3-content-store.js';

export const evidenceStoreSettings = [
  'VOUCH_DATA_DIR',
  'VOUCH_EVIDENCE_S3_URL',
  'VOUCH_EVIDENCE_S3_REGION',
  'VOUCH_EVIDENCE_S3_KEY_ID',
  'VOUCH_EVIDENCE_S3_SECRET',
] as const;

/**
 * Where evidence lies: a folder of the data folder, or the bucket that the settings name.
 * @throws ConfigError for a bucket without its keys
 */
export function openEvidenceStore(config: Config<(typeof evidenceStoreSettings)[number]>): BlobStore {
  const url = config.VOUCH_EVIDENCE_S3_URL;
  if (url === undefined) return new ContentStore(path.join(config.VOUCH_DATA_DIR, 'evidence'));
  const { VOUCH_EVIDENCE_S3_KEY_ID: accessKeyId, VOUCH_EVIDENCE_S3_SECRET: secretAccessKey } = config;
  if (accessKeyId === undefined)
    throw new ConfigError('VOUCH_EVIDENCE_S3_KEY_ID', 'is needed for the bucket and is not set');
  if (secretAccessKey === undefined)
    throw new ConfigError('VOUCH_EVIDENCE_S3_SECRET', 'is needed for the bucket and is not set');
  return new S3ContentStore({ url, accessKeyId, secretAccessKey, region: config.VOUCH_EVIDENCE_S3_REGION });
}
