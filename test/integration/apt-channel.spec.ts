import { execFileSync } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  AptKeyExposed,
  ApprovedFileMissing,
  FolderPublisher,
  OpenPgpSigner,
  poolPath,
  type ApprovedPackage,
} from '@vouch/approval';
import { paragraphs, parseParagraph } from '@vouch/catalog';
import { ContentStore } from '@vouch/platform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AptRoot, buildPackage, FolderServer } from './apt-channel.js';
import { makeKey } from './catalog-archive.js';

const DAY_MS = 86_400_000;
const CHANNEL = '33333333-3333-4333-8333-333333333333';
const SUITE = 'ring-1';
// The real time, in whole seconds as indices have it: apt and gpgv ask the machine's clock, not us.
const now = new Date(Math.floor(Date.now() / 1000) * 1000);

const has = (program: string): boolean => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

let directory: string;
let store: ContentStore;
let signer: OpenPgpSigner;
let server: FolderServer;
let tzdata: ApprovedPackage;
let rsync: ApprovedPackage;

async function signerOf(name: string): Promise<OpenPgpSigner> {
  const file = path.join(directory, `${name}.asc`);
  await fs.writeFile(file, (await makeKey(new Date(now.getTime() - 30 * DAY_MS))).armor(), { mode: 0o600 });
  return OpenPgpSigner.open(file, name);
}

beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'vouch-channel-'));
  store = new ContentStore(path.join(directory, 'artefacts'));
  signer = await signerOf('ours');
  server = await FolderServer.open(path.join(directory, 'channels'));
  tzdata = await buildPackage(directory, store, { package: 'tzdata', version: '2026f-0' });
  rsync = await buildPackage(directory, store, { package: 'rsync', version: '3.5.0-1', depends: 'tzdata' });
});
afterEach(async () => {
  await server.close();
  await fs.rm(directory, { recursive: true, force: true });
});

const publish = (packages: ApprovedPackage[], more: { date?: Date; validUntil?: Date; by?: OpenPgpSigner } = {}) => {
  const date = more.date ?? now;
  return new FolderPublisher(path.join(directory, 'channels'), store, more.by ?? signer).publish({
    channelId: CHANNEL,
    suite: SUITE,
    component: 'main',
    architecture: 'amd64',
    packages,
    date,
    validUntil: more.validUntil ?? new Date(date.getTime() + DAY_MS),
  });
};
const folder = (...names: string[]): string => path.join(directory, 'channels', CHANNEL, ...names);
const apt = (): Promise<AptRoot> =>
  AptRoot.make(path.join(directory, 'apt'), {
    uri: `${server.uri}/${CHANNEL}`,
    suite: SUITE,
    key: signer.publicKeyArmored,
  });

describe.skipIf(!has('apt-get'))('a real apt that reads a channel', () => {
  it('sees exactly the approved packages, fetches exactly their bytes, and has nothing to complain about', async () => {
    await buildPackage(directory, store, { package: 'not-approved', version: '1' });
    await publish([tzdata, rsync]);
    const machine = await apt();
    const { ok, output } = await machine.update();
    expect(output).not.toMatch(/^[WEN]: /m);
    expect(ok).toBe(true);
    expect(await machine.offered()).toEqual(['rsync 3.5.0-1', 'tzdata 2026f-0']);
    expect((await machine.download('tzdata')).bytes).toEqual(await store.get(tzdata.sha256));
    expect((await machine.run('apt-get', '--simulate', 'install', 'rsync')).output).toMatch(
      /^Inst tzdata[\s\S]*^Inst rsync/m,
    );
  });

  it('no longer sees what was taken back', async () => {
    await publish([tzdata, rsync], { date: new Date(now.getTime() - 2000) });
    const machine = await apt();
    await machine.update();
    await publish([tzdata]);
    expect((await machine.update()).ok).toBe(true);
    expect(await machine.offered()).toEqual(['tzdata 2026f-0']);
  });

  it('refuses other bytes under an approved name (I1)', async () => {
    await publish([tzdata]);
    const machine = await apt();
    await machine.update();
    const forged = Buffer.from(await store.get(tzdata.sha256));
    server.forged.set(/\.deb$/, forged.fill(0, forged.length - 8));
    const { ok, output, bytes } = await machine.download('tzdata');
    expect({ ok, bytes }).toEqual({ ok: false, bytes: null });
    expect(output).toMatch(/Hash Sum mismatch|unexpected size/i);
  });

  it('refuses an index that was edited', async () => {
    await publish([tzdata]);
    const text = await fs.readFile(folder('dists', SUITE, 'main/binary-amd64/Packages'), 'utf8');
    server.forged.set(/Packages|by-hash/, Buffer.from(text.replace('2026f', '2026z')));
    const machine = await apt();
    expect((await machine.update()).ok).toBe(false);
    expect(await machine.offered()).toEqual([]);
  });

  it('refuses a channel that another key signed', async () => {
    await publish([tzdata], { by: await signerOf('theirs') });
    const machine = await apt();
    const { ok, output } = await machine.update();
    expect(ok).toBe(false);
    expect(output).toMatch(/NO_PUBKEY|not signed/);
    expect(await machine.offered()).toEqual([]);
  });

  it('refuses a channel that has expired, though its own configuration looks away', async () => {
    await publish([tzdata], {
      date: new Date(now.getTime() - 3 * DAY_MS),
      validUntil: new Date(now.getTime() - DAY_MS),
    });
    const machine = await apt();
    const { ok, output } = await machine.update();
    expect(ok).toBe(false);
    expect(output).toContain('expired');
    expect(await machine.offered()).toEqual([]);
  });

  it('keeps what it has when the channel goes back in time', async () => {
    await publish([tzdata]);
    const machine = await apt();
    await machine.update();
    await publish([tzdata, rsync], { date: new Date(now.getTime() - 3600_000) });
    await machine.update();
    expect(await machine.offered()).toEqual(['tzdata 2026f-0']);
  });
});

describe.skipIf(!has('apt-ftparchive'))('what apt-ftparchive makes of the same files', () => {
  it('names the same packages with the same bytes, and the same indices', async () => {
    await publish([rsync, tzdata]);
    const facts = (text: string): unknown =>
      [...paragraphs(text)].map((paragraph) => {
        const fields = parseParagraph(paragraph);
        return ['package', 'version', 'architecture', 'depends', 'description', 'filename', 'size', 'sha256'].map(
          (name) => fields.get(name),
        );
      });
    const ftparchive = (...parameters: string[]): string =>
      execFileSync('apt-ftparchive', parameters, { cwd: folder(), encoding: 'utf8' });
    const ours = facts(await fs.readFile(folder('dists', SUITE, 'main/binary-amd64/Packages'), 'utf8'));
    const theirs = facts(ftparchive('packages', 'pool'));
    const byName = (all: unknown): unknown => [...(all as string[][])].sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
    expect(byName(ours)).toEqual(byName(theirs));

    const sums = (text: string): string[] =>
      (parseParagraph(text).get('sha256') ?? '')
        .split('\n')
        .map((line) => line.trim().replace(/\s+/g, ' '))
        .filter((line) => /Packages(\.gz)?$/.test(line))
        .sort();
    const release = ftparchive('release', `dists/${SUITE}`);
    const inRelease = await fs.readFile(folder('dists', SUITE, 'InRelease'), 'utf8');
    expect(sums(inRelease.split('\n\n').slice(1).join('\n\n'))).toEqual(sums(release));
    expect(sums(release)).toHaveLength(2);
  });
});

describe('a publication', () => {
  it('leaves the indices of the one before in reach of a device that has begun to read them', async () => {
    const indices = () => fs.readdir(folder('dists', SUITE, 'main/binary-amd64/by-hash/SHA256'));
    await publish([tzdata]);
    const before = await indices();
    await publish([rsync]);
    expect(before).toHaveLength(2);
    expect(await indices()).toEqual(expect.arrayContaining(before));
    await publish([]);
    expect(await indices()).not.toEqual(expect.arrayContaining(before));
  });

  it('does not happen at all when an approved file is not there, and leaves nothing behind', async () => {
    await publish([tzdata]);
    const before = await fs.readFile(folder('dists', SUITE, 'InRelease'));
    await fs.rm(store.pathOf(rsync.sha256));
    await expect(publish([rsync])).rejects.toThrow(ApprovedFileMissing);
    expect(await fs.readFile(folder('dists', SUITE, 'InRelease'))).toEqual(before);
    expect(await fs.readdir(path.join(directory, 'channels', '.versions', CHANNEL))).toHaveLength(1);
  });

  it('keeps a package on the disk once', async () => {
    await publish([tzdata]);
    const [stored, offered] = await Promise.all([
      fs.stat(store.pathOf(tzdata.sha256)),
      fs.stat(folder(poolPath(tzdata))),
    ]);
    expect(offered.ino).toBe(stored.ino);
  });
});

describe('the key of the channels', () => {
  it('is made once, for its owner only', async () => {
    const file = path.join(directory, 'keys', 'apt.asc');
    const [first, second] = await Promise.all([OpenPgpSigner.open(file, 'Vouch'), OpenPgpSigner.open(file, 'Vouch')]);
    expect(second.fingerprint).toBe(first.fingerprint);
    expect((await fs.stat(file)).mode & 0o777).toBe(0o600);
    expect(first.publicKeyArmored).not.toContain('PRIVATE');
  });

  it('is not used when others may read it', async () => {
    const file = path.join(directory, 'ours.asc');
    await fs.chmod(file, 0o640);
    await expect(OpenPgpSigner.open(file, 'ours')).rejects.toThrow(AptKeyExposed);
  });
});
