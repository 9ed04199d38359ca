import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import {
  ConfigError,
  ContentMismatch,
  ContentStore,
  ContentUnavailable,
  openEvidenceStore,
  S3ContentStore,
  sha256Hex,
  type BlobStore,
} from '@vouch/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bucket } from './bucket.js';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-blobs-'));
const bucket = new Bucket();
let settings: Awaited<ReturnType<Bucket['open']>>;
beforeAll(async () => {
  settings = await bucket.open();
});
afterAll(async () => {
  await bucket.close();
  fs.rmSync(folder, { recursive: true });
});

const stores: [string, () => BlobStore][] = [
  ['a folder', () => new ContentStore(folder)],
  ['an S3 bucket', () => new S3ContentStore(settings)],
];

describe.each(stores)('evidence in %s', (_name, open) => {
  const bytes = Buffer.from([0, 255, 10, 13, ...Buffer.from('journal of a run ü')]);
  const address = sha256Hex(bytes);

  it('is given back byte for byte, under the digest of its bytes', async () => {
    expect(await open().has(address)).toBe(false);
    expect(await open().put(bytes)).toBe(address);
    expect(await open().put(bytes, address)).toBe(address);
    expect(await open().has(address)).toBe(true);
    expect((await open().get(address)).equals(bytes)).toBe(true);
    expect((await buffer(open().stream(address))).equals(bytes)).toBe(true);
  });

  it('is not kept under an address of other bytes', async () => {
    const wanted = sha256Hex('wanted');
    await expect(open().put(Buffer.from('offered'), wanted)).rejects.toBeInstanceOf(ContentMismatch);
    expect(await open().has(wanted)).toBe(false);
    expect(await open().has(sha256Hex('offered'))).toBe(false);
  });

  it('that is not there is an error, never nothing', async () => {
    const missing = sha256Hex('missing');
    await expect(open().get(missing)).rejects.toBeInstanceOf(ContentUnavailable);
    await expect(buffer(open().stream(missing))).rejects.toThrow();
  });

  it.each(['../../etc/passwd', 'A'.repeat(64), `${'a'.repeat(63)}/`])('is not asked for as %j', async (wrong) => {
    await expect((async () => open().get(wrong))()).rejects.toBeInstanceOf(TypeError);
  });
});

describe('a bucket', () => {
  it('that was tampered with is found out when it is read', async () => {
    const store = new S3ContentStore(settings);
    const address = await store.put(Buffer.from('evidence of a failure'));
    for (const key of bucket.objects.keys())
      if (key.endsWith(address)) bucket.objects.set(key, Buffer.from('all was well'));
    await expect(store.get(address)).rejects.toThrow('holds bytes of');
    await expect(buffer(store.stream(address))).rejects.toThrow('holds bytes of');
  });

  it('that does not know us is not taken for an empty one', async () => {
    const stranger = new S3ContentStore({ ...settings, secretAccessKey: 'guessed' });
    await expect(stranger.has(sha256Hex('x'))).rejects.toBeInstanceOf(ContentUnavailable);
    await expect(stranger.put(Buffer.from('x'))).rejects.toBeInstanceOf(ContentUnavailable);
  });

  it('that is away is an error that says so', async () => {
    const away = new S3ContentStore({ ...settings, url: 'http://127.0.0.1:9/evidence' });
    await expect(away.get(sha256Hex('x'))).rejects.toBeInstanceOf(ContentUnavailable);
  });

  it('is used when the settings name it, with both its keys', () => {
    const config = { VOUCH_DATA_DIR: folder, VOUCH_EVIDENCE_S3_URL: settings.url, VOUCH_EVIDENCE_S3_REGION: 'x' };
    expect(() => openEvidenceStore(config as never)).toThrow(ConfigError);
    const whole = { ...config, VOUCH_EVIDENCE_S3_KEY_ID: 'a', VOUCH_EVIDENCE_S3_SECRET: 'b' };
    expect(openEvidenceStore(whole)).toBeInstanceOf(S3ContentStore);
    expect(openEvidenceStore({ VOUCH_DATA_DIR: folder } as never)).toBeInstanceOf(ContentStore);
  });
});
