import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { declareSources, DebianFeed, FetchArtefacts, NewestOffers, PollSourceStage } from '@vouch/catalog';
import { ContentStore, shared } from '@vouch/platform';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { debLike, TestArchive, type TestPackage } from './catalog-archive.js';
import { createTestDatabase, type TestDatabase } from './database.js';

const HOUR_MS = 3_600_000;
const start = new Date(Math.floor(Date.now() / 1000) * 1000);
const stream = 'debian-12-amd64';

let db: TestDatabase;
let directory: string;
let archive: TestArchive;
let now: Date;
let stage: PollSourceStage;

beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'vouch-intake-'));
  archive = await TestArchive.open(start);
  now = start;
  stage = new PollSourceStage(
    db.platform,
    (source, lastAccepted) => new DebianFeed(source, source.architecture, lastAccepted, () => now),
    new ContentStore(path.join(directory, 'indexes')),
    () => now,
    { everySeconds: 900, retrySeconds: 60 },
  );
  await onOwner('truncate catalog_source cascade; truncate platform_outbox');
  await db.platform.transaction(shared, (tx) =>
    declareSources(tx, {
      stream,
      distribution: 'Debian',
      codename: 'bookworm',
      architecture: 'amd64',
      sources: [{ ...archive.source, kind: 'security' }],
    }),
  );
});
afterEach(async () => {
  await archive.close();
  await fs.rm(directory, { recursive: true, force: true });
});

const SOURCE = `${stream}-security`;
const openssl = (version: string, content: string): TestPackage => ({
  package: 'libssl3',
  source: 'openssl',
  version,
  bytes: debLike(content),
});
const curl: TestPackage = { package: 'curl', version: '8.0-1', bytes: debLike('curl') };

/** An index of these packages, an hour younger than the one before, and a poll of it. */
async function offer(...packages: TestPackage[]): Promise<void> {
  now = new Date(now.getTime() + 60_000);
  await archive.publish(packages, new Date(start.getTime() - 10 * HOUR_MS + (now.getTime() - start.getTime())));
  await stage.process(SOURCE, 'test');
}

const revisions = async (): Promise<Record<string, string>> => {
  const rows = await db.platform.read<{ name: string; state: string }>(
    shared,
    `select p.external_id || ' ' || r.version || ' ' || string_agg(left(a.sha256, 4), ',') as name, r.state
       from catalog_revision r join catalog_patch p on p.id = r.patch_id join catalog_artefact a on a.revision_id = r.id
      group by r.id, p.external_id order by r.id`,
  );
  return Object.fromEntries(rows.map((row) => [row.name, row.state]));
};
const states = async (): Promise<string[]> =>
  Object.entries(await revisions())
    .map(([name, state]) => `${name.split(' ').slice(0, 2).join(' ')} ${state}`)
    .sort();
const source = async () =>
  (
    await db.platform.read<{ state: string; reason: string; release_date: Date | null }>(
      shared,
      'select state, reason, release_date from catalog_source',
    )
  )[0];
const count = async (table: string): Promise<number> =>
  (await db.platform.read<{ n: number }>(shared, `select count(*)::int as n from ${table}`))[0]?.n ?? -1;

describe('a poll', () => {
  it('stores the signed index, its revisions with their stanzas, and tells of it once', async () => {
    await offer(openssl('3.0.20-1', 'a'), curl);
    await stage.process(SOURCE, 'again');
    expect(await states()).toEqual(['curl 8.0-1 offered', 'openssl 3.0.20-1 offered']);
    expect(await source()).toMatchObject({ state: 'ok', reason: '' });
    expect(await count('catalog_snapshot')).toBe(1);
    const events = await db.platform.read<{ topic: string }>(shared, 'select topic from platform_outbox');
    expect(events.filter(({ topic }) => topic === 'catalog.snapshot-stored')).toHaveLength(1);
    const [artefact] = await db.platform.read<{ stanza: string }>(
      shared,
      `select stanza from catalog_artefact where package = 'libssl3'`,
    );
    expect(artefact?.stanza).toContain('Source: openssl\n');
  });

  it('is due again after its interval, sooner when the last one failed', async () => {
    expect(await stage.pending()).toEqual([SOURCE]);
    await offer(curl);
    expect(await stage.pending()).toEqual([]);
    now = new Date(now.getTime() + 901_000);
    expect(await stage.pending()).toEqual([SOURCE]);
    archive.files.clear();
    await stage.process(SOURCE, 'test');
    expect(await stage.pending()).toEqual([]);
    now = new Date(now.getTime() + 61_000);
    expect(await stage.pending()).toEqual([SOURCE]);
  });
});

describe('what the vendor does to a patch is seen', () => {
  it('a newer version leaves the older one as good as it was', async () => {
    await offer(openssl('3.0.20-1', 'a'));
    await offer(openssl('3.0.22-1', 'b'));
    expect(await states()).toEqual(['openssl 3.0.20-1 offered', 'openssl 3.0.22-1 offered']);
  });

  it('other bytes under the same version are a new revision, and the old one is replaced (I2)', async () => {
    await offer(openssl('3.0.20-1', 'a'));
    const [before] = Object.keys(await revisions());
    await offer(openssl('3.0.20-1', 'b'));
    const after = await revisions();
    expect(after[before ?? '']).toBe('replaced');
    expect(Object.values(after).sort()).toEqual(['offered', 'replaced']);
  });

  it('bytes that were replaced do not come back to life with their return', async () => {
    for (const content of ['a', 'b', 'a']) await offer(openssl('3.0.20-1', content));
    expect(Object.values(await revisions())).toEqual(['replaced', 'replaced']);
  });

  it('a pulled version vanishes with its reason, and is offered again when it returns', async () => {
    await offer(openssl('3.0.20-1', 'a'), curl);
    await offer(curl);
    expect(await states()).toEqual(['curl 8.0-1 offered', 'openssl 3.0.20-1 vanished']);
    const reasons = (): Promise<{ reason: string }[]> =>
      db.platform.read(shared, `select reason from catalog_revision where version = '3.0.20-1'`);
    expect(await reasons()).toEqual([{ reason: 'The vendor offers version 3.0.20-1 no longer.' }]);
    await offer(openssl('3.0.20-1', 'a'), curl);
    expect(await states()).toEqual(['curl 8.0-1 offered', 'openssl 3.0.20-1 offered']);
    expect(await reasons()).toEqual([{ reason: '' }]);
  });

  it('a version pulled in favour of the older one vanishes, and the older one is the newest offer again', async () => {
    await offer(openssl('3.0.20-1', 'a'));
    await offer(openssl('3.0.22-1', 'b'));
    await offer(openssl('3.0.20-1', 'a'));
    expect(await states()).toEqual(['openssl 3.0.20-1 offered', 'openssl 3.0.22-1 vanished']);
    const offers = await new NewestOffers(db.platform).newest(stream, ['openssl']);
    expect(offers.get('openssl')).toMatchObject({ version: '3.0.20-1', artefacts: [{ package: 'libssl3' }] });
  });
});

describe('a poll that fails changes nothing but the state of the source (I7)', () => {
  it.each([
    ['unsigned', 'unverified', async () => archive.files.set(archive.inRelease, Buffer.from('Origin: Debian\n'))],
    ['with a cut package list', 'unverified', async () => archive.change(archive.packagesIndex, (b) => b.subarray(1))],
    ['away', 'unreachable', async () => archive.files.clear()],
    ['rolled back', 'stale', async () => archive.publish([], new Date(start.getTime() - 20 * HOUR_MS))],
  ])('%s: %s', async (_, state, damage) => {
    await offer(openssl('3.0.20-1', 'a'), curl);
    const before = { revisions: await revisions(), date: (await source())?.release_date };
    await archive.publish([], new Date(start.getTime() - HOUR_MS));
    await damage();
    await stage.process(SOURCE, 'test');
    expect(await source()).toMatchObject({ state, release_date: before.date });
    expect((await source())?.reason).toMatch(/\.$/);
    expect(await revisions()).toEqual(before.revisions);
    expect(await count('catalog_snapshot')).toBe(1);
  });

  it('a mirror that stays away until its last index has expired is stale, and good again when it returns', async () => {
    await offer(curl);
    const files = new Map(archive.files);
    archive.files.clear();
    now = new Date(start.getTime() + 8 * 24 * HOUR_MS);
    await stage.process(SOURCE, 'test');
    expect(await source()).toMatchObject({ state: 'stale' });
    now = new Date(start.getTime() + HOUR_MS);
    for (const [name, answer] of files) archive.files.set(name, answer);
    await stage.process(SOURCE, 'test');
    expect(await source()).toMatchObject({ state: 'ok', reason: '' });
  });
});

describe('bytes for a test', () => {
  const fetchCurl = async (): Promise<string | null> => {
    const [offered] = [...(await new NewestOffers(db.platform).newest(stream, ['curl'])).values()];
    if (!offered) throw new Error('curl is not offered');
    const store = new ContentStore(path.join(directory, 'artefacts'));
    return new FetchArtefacts(db.platform, store, () => now).fetch(offered.revisionId, offered.artefacts);
  };

  it('make a revision suspect when they are not those that were signed (I1)', async () => {
    await offer(curl);
    archive.change('pool/main/curl_8.0-1_amd64.deb', (bytes) => Buffer.from(bytes).fill(0, 20));
    expect(await fetchCurl()).toContain('thrown away');
    expect(await states()).toEqual(['curl 8.0-1 suspect']);
    expect(await new NewestOffers(db.platform).newest(stream, ['curl'])).toEqual(new Map());
    await offer(curl);
    expect(await states()).toEqual(['curl 8.0-1 suspect']);
  });

  it('are waited for when the mirror is away', async () => {
    await offer(curl);
    archive.files.delete('pool/main/curl_8.0-1_amd64.deb');
    expect(await fetchCurl()).toContain('404');
    expect(await states()).toEqual(['curl 8.0-1 offered']);
    archive.files.set('pool/main/curl_8.0-1_amd64.deb', curl.bytes);
    expect(await fetchCurl()).toBeNull();
  });
});

/** Between tests only: the roles that the product uses may delete nothing here. */
async function onOwner(sql: string): Promise<void> {
  const owner = new pg.Client({ connectionString: db.ownerUrl });
  await owner.connect();
  await owner.query(sql);
  await owner.end();
}
