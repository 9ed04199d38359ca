import { compareDebianVersions, NewestOffers, storeSnapshot, type FeedSnapshot } from '@vouch/catalog';
import { shared } from '@vouch/platform';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from './catalog-archive.js';
import { createTestDatabase, type TestDatabase } from './database.js';

/** What a vendor offers at one time: of some patches, some versions, each with some content. */
type Shelf = ReadonlyMap<string, { readonly patch: string; readonly version: string; readonly content: string }>;

const PATCHES = ['curl', 'openssl'];
const shelf: fc.Arbitrary<Shelf> = fc
  .array(
    fc.record({
      patch: fc.constantFrom(...PATCHES),
      version: fc.constantFrom('1.9', '1.10', '1.10~rc1'),
      content: fc.constantFrom('a', 'b'),
    }),
    { maxLength: 4 },
  )
  .map((items) => new Map(items.map((item) => [`${item.patch} ${item.version}`, item])));

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.drop());

let polls = 0;

function snapshotOf(items: Shelf): FeedSnapshot {
  polls += 1;
  return {
    indexSha256: sha256(String(polls)),
    index: Buffer.alloc(0),
    signedBy: 'a key of the tests',
    release: {
      origin: 'Debian',
      suite: 'stable',
      codename: 'bookworm',
      date: new Date(polls * 1000),
      validUntil: null,
      acquireByHash: true,
      files: new Map(),
    },
    packages: () =>
      [...items.values()].map(({ patch, version, content }) => ({
        package: patch,
        version,
        architecture: 'amd64',
        fileName: `${patch}.deb`,
        sizeBytes: 1,
        sha256: sha256(content),
        source: patch,
        sourceVersion: version,
        stanza: `Package: ${patch}\n`,
      })),
  };
}

/** States of the revisions of a stream by patch, version and content. */
async function statesOf(stream: string): Promise<Map<string, string>> {
  const rows = await db.platform.read<{ name: string; sha256: string; state: string }>(
    shared,
    `select p.external_id || ' ' || r.version as name, a.sha256, r.state
       from catalog_revision r join catalog_patch p on p.id = r.patch_id join catalog_artefact a on a.revision_id = r.id
      where p.source_id = $1`,
    [stream],
  );
  return new Map(rows.map((row) => [`${row.name} ${row.sha256 === sha256('a') ? 'a' : 'b'}`, row.state]));
}

describe('whatever a vendor puts on the shelf, takes off and swaps', () => {
  it('what is offered is what lies there, and bytes once swapped are never offered again (I2)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uuid(), fc.array(shelf, { minLength: 1, maxLength: 6 }), async (stream, history) => {
        await db.platform.transaction(shared, (tx) =>
          tx.query(
            `insert into catalog_source (id, stream, title, kind, definition) values ($1, $1, '', 'debian', '{}')`,
            [stream],
          ),
        );
        const swapped = new Set<string>();
        let offeredBefore = new Map<string, string>();
        for (const now of history) {
          const snapshot = snapshotOf(now);
          await db.platform.transaction(shared, (tx) =>
            storeSnapshot(tx, stream, snapshot, new Date(polls * 1000), 'test'),
          );
          for (const [name, { content }] of now) {
            const other = `${name} ${content === 'a' ? 'b' : 'a'}`;
            if (offeredBefore.get(other) === 'offered') swapped.add(other);
          }
          const states = await statesOf(stream);
          for (const name of swapped) expect(states.get(name), name).toBe('replaced');
          for (const [name, { content }] of now) {
            if (!swapped.has(`${name} ${content}`)) expect(states.get(`${name} ${content}`), name).toBe('offered');
          }
          await expectNewest(stream, now, swapped);
          offeredBefore = states;
        }
      }),
      { numRuns: 40 },
    );
  });
});

/** The newest offer of each patch is the newest that lies there; of what lies there no longer, there is none. */
async function expectNewest(stream: string, now: Shelf, swapped: ReadonlySet<string>): Promise<void> {
  const offers = await new NewestOffers(db.platform).newest(stream, PATCHES);
  for (const patch of PATCHES) {
    const there = [...now.values()].filter((item) => item.patch === patch);
    const [newest] = there.sort((a, b) => compareDebianVersions(b.version, a.version));
    if (newest && swapped.has(`${patch} ${newest.version} ${newest.content}`)) continue;
    expect(offers.get(patch)?.version, patch).toBe(newest?.version);
  }
}
