import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  ArtefactDigestMismatch,
  ArtefactNotAPackage,
  DebianFeed,
  downloadArtefact,
  IndexExpired,
  IndexMalformed,
  IndexNotYetValid,
  IndexOfAnotherSuite,
  IndexRolledBack,
  IndexTruncated,
  IndexUnsigned,
  IndexWronglySigned,
  MirrorUnreachable,
  ResponseTooLong,
  type AptSource,
} from '@vouch/catalog';
import { ContentStore } from '@vouch/platform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearSign, debLike, fileNameOf, makeKey, sha256, TestArchive, type TestPackage } from './catalog-archive.js';

const DAY_MS = 86_400_000;
// The real time, in whole seconds as indices have it: gpgv asks the machine's clock, not us.
const now = new Date(Math.floor(Date.now() / 1000) * 1000);
const yesterday = new Date(now.getTime() - DAY_MS);
const tzdata: TestPackage = { package: 'tzdata', version: '2026f-0', bytes: debLike('zones') };
const libssl: TestPackage = { package: 'libssl3', version: '3.0.22-1', bytes: debLike('ssl'), source: 'openssl' };

let archive: TestArchive;

beforeEach(async () => {
  archive = await TestArchive.open(now);
  await archive.publish([tzdata, libssl], yesterday);
});
afterEach(() => archive.close());

const feed = (more: Partial<AptSource> = {}, lastAccepted: Date | null = null, at = now): DebianFeed =>
  new DebianFeed({ ...archive.source, ...more }, 'amd64', lastAccepted, () => at);

describe('a poll of a good archive', () => {
  it('gives what the signed index says, and by whom it was signed', async () => {
    const found = await feed().poll(null);
    if (found.kind !== 'snapshot') throw new Error('expected a snapshot');
    expect(found.signedBy).toBe(archive.key.getFingerprint().toUpperCase());
    expect(found.release.date).toEqual(yesterday);
    expect(found.indexSha256).toBe(sha256(found.index));
    expect([...found.packages()].map((item) => [item.source, item.package, item.sha256])).toEqual([
      ['tzdata', 'tzdata', sha256(tzdata.bytes)],
      ['openssl', 'libssl3', sha256(libssl.bytes)],
    ]);
  });

  it('fetches no package list again when the signed index is the known one, and still verifies it', async () => {
    const first = await feed().poll(null);
    if (first.kind !== 'snapshot') throw new Error('expected a snapshot');
    archive.requested.length = 0;
    expect(await feed().poll(first.indexSha256)).toMatchObject({ kind: 'unchanged', release: { date: yesterday } });
    expect(archive.requested).toEqual([archive.inRelease]);
    await expect(feed({}, null, new Date(now.getTime() + 30 * DAY_MS)).poll(first.indexSha256)).rejects.toThrow(
      IndexExpired,
    );
  });

  it('takes the key from the sources file when it stands there', async () => {
    const armoured = archive.key.toPublic().armor().trim().split(/\r?\n/);
    const signedBy = armoured.map((line) => (line === '' ? '.' : line)).join('\n');
    expect(await feed({ signedBy }).poll(null)).toMatchObject({ kind: 'snapshot' });
  });
});

describe('nothing is taken from an archive (I7)', () => {
  const sign = async (change: (text: string) => string): Promise<void> => {
    archive.change(archive.inRelease, (bytes) => Buffer.from(change(bytes.toString())));
  };

  it('whose index is not signed', async () => {
    await sign((text) => text.replace(/^[\s\S]*?\n\n/, '').replace(/-----BEGIN PGP SIGNATURE[\s\S]*/, ''));
    await expect(feed().poll(null)).rejects.toThrow(IndexUnsigned);
  });

  it('whose index was changed after it was signed', async () => {
    await sign((text) => text.replace('Origin: Debian', 'Origin: Debien'));
    await expect(feed().poll(null)).rejects.toThrow(IndexWronglySigned);
  });

  it('whose index another key signed', async () => {
    const other = await makeKey(yesterday);
    archive.files.set(archive.inRelease, Buffer.from(await clearSign('Origin: Debian\n', other, yesterday)));
    await expect(feed().poll(null)).rejects.toThrow(IndexWronglySigned);
  });

  it('whose key has expired, though it signed in time', async () => {
    const month = new Date(now.getTime() - 30 * DAY_MS);
    const expired = await makeKey(month, DAY_MS / 1000);
    const signedBy = expired.toPublic().armor();
    archive.files.set(archive.inRelease, Buffer.from(await clearSign('Origin: Debian\n', expired, month)));
    await expect(feed({ signedBy }).poll(null)).rejects.toThrow(/has expired/);
  });

  it('that apt of this machine would not trust, when the source names no key', async () => {
    await expect(feed({ signedBy: null }).poll(null)).rejects.toThrow(IndexWronglySigned);
  });

  it('whose key ring is not there', async () => {
    await expect(feed({ signedBy: '/nowhere/ring.gpg' }).poll(null)).rejects.toThrow(IndexWronglySigned);
  });

  it.each([
    ['before', (text: string) => `Origin: Debian\nSuite: other\n\n${text}`],
    ['after', (text: string) => `${text}\nSuite: other\n`],
    ['twice', (text: string) => `${text}\n${text}`],
  ])('whose index holds more than one signed text: %s', async (_, change) => {
    await sign(change);
    await expect(feed().poll(null)).rejects.toThrow(IndexWronglySigned);
  });

  it('whose index is cut off', async () => {
    archive.change(archive.inRelease, (bytes) => bytes.subarray(0, bytes.length - 60));
    await expect(feed().poll(null)).rejects.toThrow(IndexTruncated);
  });

  it('whose package list is cut off', async () => {
    archive.change(archive.packagesIndex, (bytes) => bytes.subarray(0, bytes.length - 10));
    await expect(feed().poll(null)).rejects.toThrow(IndexTruncated);
  });

  it('whose package list has the right length and other bytes', async () => {
    archive.change(archive.packagesIndex, (bytes) => Buffer.from(bytes).fill(0, 20, 21));
    await expect(feed().poll(null)).rejects.toThrow(IndexTruncated);
  });

  it('whose package list is longer than signed', async () => {
    archive.change(archive.packagesIndex, (bytes) => Buffer.concat([bytes, bytes]));
    await expect(feed().poll(null)).rejects.toThrow(ResponseTooLong);
  });

  it('whose index has expired', async () => {
    await expect(feed({}, null, new Date(now.getTime() + 7 * DAY_MS)).poll(null)).rejects.toThrow(IndexExpired);
  });

  it('whose index is older than one seen before', async () => {
    await expect(feed({}, new Date(yesterday.getTime() + 1000)).poll(null)).rejects.toThrow(IndexRolledBack);
  });

  it('whose index is of a time to come', async () => {
    // gpgv itself refuses a signature of the future; here only the Date lies.
    await archive.publish([tzdata], yesterday, { Date: new Date(now.getTime() + DAY_MS).toUTCString() });
    await expect(feed().poll(null)).rejects.toThrow(IndexNotYetValid);
  });

  it('that serves another suite, properly signed', async () => {
    await archive.publish([tzdata], yesterday, { Codename: 'sid', Suite: 'unstable' });
    await expect(feed().poll(null)).rejects.toThrow(IndexOfAnotherSuite);
  });

  it('that has no packages of our architecture', async () => {
    const foreign = new DebianFeed(archive.source, 'riscv64', null, () => now);
    await expect(foreign.poll(null)).rejects.toThrow(IndexMalformed);
  });

  it('that answers with an error', async () => {
    archive.files.delete(archive.inRelease);
    await expect(feed().poll(null)).rejects.toThrow(MirrorUnreachable);
  });

  it('that is not there', async () => {
    await expect(feed({ uri: 'http://127.0.0.1:1' }).poll(null)).rejects.toThrow(MirrorUnreachable);
  });

  it('that hangs up in the middle', async () => {
    archive.files.set(archive.inRelease, (_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('-----BEGIN', () => response.destroy());
    });
    await expect(feed().poll(null)).rejects.toThrow(MirrorUnreachable);
  });

  it('that never ends', async () => {
    archive.files.set(archive.inRelease, (_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
      };
      response.on('drain', more);
      more();
    });
    await expect(feed().poll(null)).rejects.toThrow(ResponseTooLong);
  });
});

describe('the bytes of an artefact (I1)', () => {
  let directory: string;
  let store: ContentStore;

  beforeEach(async () => {
    directory = await fs.mkdtemp(path.join(os.tmpdir(), 'vouch-artefacts-'));
    store = new ContentStore(directory);
  });
  afterEach(() => fs.rm(directory, { recursive: true, force: true }));

  const artefact = (item: TestPackage) => ({
    package: item.package,
    version: item.version,
    architecture: 'amd64',
    fileName: fileNameOf(item),
    sizeBytes: item.bytes.length,
    sha256: sha256(item.bytes),
  });
  const stored = async (): Promise<string[]> =>
    (await fs.readdir(directory, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name);

  it('are kept under their digest', async () => {
    await downloadArtefact(archive.uri, artefact(tzdata), store);
    expect(await stored()).toEqual([sha256(tzdata.bytes)]);
    expect(await store.get(sha256(tzdata.bytes))).toEqual(tzdata.bytes);
  });

  it.each([
    ['others of the same length', (bytes: Buffer) => Buffer.from(bytes).fill(0, 20)],
    ['fewer', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['more', (bytes: Buffer) => Buffer.concat([bytes, bytes])],
  ])('are refused when they are %s, and nothing is kept', async (_, change) => {
    archive.change(fileNameOf(tzdata), change);
    await expect(downloadArtefact(archive.uri, artefact(tzdata), store)).rejects.toThrow(ArtefactDigestMismatch);
    expect(await stored()).toEqual([]);
  });

  it('are refused when they are as signed, and yet no package', async () => {
    const page: TestPackage = { ...tzdata, bytes: Buffer.from('<html>') };
    archive.files.set(fileNameOf(page), page.bytes);
    await expect(downloadArtefact(archive.uri, artefact(page), store)).rejects.toThrow(ArtefactNotAPackage);
    expect(await stored()).toEqual([]);
  });

  it('may be away for a while', async () => {
    archive.files.delete(fileNameOf(tzdata));
    await expect(downloadArtefact(archive.uri, artefact(tzdata), store)).rejects.toThrow(MirrorUnreachable);
  });
});
