import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  compareDebianVersions,
  configuredSources,
  declareSources,
  DebianFeed,
  NewestOffers,
  paragraphs,
  parseParagraph,
  PollSourceStage,
} from '@vouch/catalog';
import { ContentStore, shared, systemClock } from '@vouch/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from './database.js';

// The real thing: what this machine's own apt is configured to read, with the distribution's real keys.
const configured = await configuredSources();
const security = configured.sources.find(({ kind }) => kind === 'security');

describe.skipIf(security === undefined)('the sources of this machine', () => {
  let db: TestDatabase;
  let directory: string;
  let stage: PollSourceStage;

  beforeAll(async () => {
    db = await createTestDatabase();
    directory = await fs.mkdtemp(path.join(os.tmpdir(), 'vouch-real-'));
    stage = new PollSourceStage(
      db.platform,
      (source, lastAccepted) => new DebianFeed(source, source.architecture, lastAccepted, systemClock),
      new ContentStore(directory),
      systemClock,
      { everySeconds: 900, retrySeconds: 60 },
    );
    await db.platform.transaction(shared, (tx) => declareSources(tx, configured));
    for (const id of await stage.pending()) await stage.process(id, 'test');
  }, 180_000);
  afterAll(async () => {
    await db.drop();
    await fs.rm(directory, { recursive: true, force: true });
  });

  it('are polled, verified and stored whole, security first', async () => {
    const sources = await db.platform.read<{ id: string; state: string; reason: string }>(
      shared,
      'select id, state, reason from catalog_source',
    );
    expect(sources.filter(({ state }) => state !== 'ok')).toEqual([]);
    const snapshots = await db.platform.read<{ source_id: string; package_count: number; signed_by: string }>(
      shared,
      'select source_id, package_count, signed_by from catalog_snapshot order by fetched_at',
    );
    expect(snapshots.map(({ source_id }) => source_id)).toEqual(
      configured.sources.map(({ kind }) => `${configured.stream}-${kind}`),
    );
    for (const { package_count, signed_by } of snapshots) {
      expect(package_count).toBeGreaterThan(1000);
      expect(signed_by).toMatch(/^[0-9A-F]{40}$/);
    }
  });

  it('offer what apt itself takes for the newest', async () => {
    const candidates = aptCandidates(['tzdata', 'openssl', 'rsync', 'sudo', 'curl', 'nginx']);
    const offers = await new NewestOffers(db.platform).newest(configured.stream, [...candidates.keys()]);
    const wrong = [...candidates].flatMap(([name, candidate]) => {
      const ours = offers.get(name)?.artefacts.find((item) => item.package === name)?.version ?? 'none';
      // apt may also read suites that we leave out, and its lists may be some days old: never newer than ours in these.
      return compareDebianVersions(candidate, ours) > 0 ? [{ name, candidate, ours }] : [];
    });
    expect(offers.size).toBe(candidates.size);
    expect(wrong).toEqual([]);
  });

  it('give every package that apt itself reads in the same index', async ({ skip }) => {
    if (!security) throw new Error('unreachable');
    const list = aptList(security.suite, configured.architecture);
    const found = await new DebianFeed(security, configured.architecture, null, systemClock).poll(null);
    if (found.kind !== 'snapshot') throw new Error('expected a snapshot');
    if (list?.indexSha256 !== found.indexSha256) skip('the lists of apt are of another day');
    const ours = [...found.packages()].map((item) => `${item.package} ${item.version} ${item.sha256}`);
    expect(ours.sort()).toEqual(list?.packages.sort());
  });
});

/** What apt's own lists hold of a suite, read field by field; null when apt has none of it. */
function aptList(suite: string, architecture: string): { indexSha256: string; packages: string[] } | null {
  const folder = '/var/lib/apt/lists';
  const name = readdirSync(folder).find((file) => file.endsWith(`_dists_${suite}_InRelease`));
  const format = [
    '--format',
    '$(FILENAME)',
    'Created-By: Packages',
    `Codename: ${suite}`,
    `Architecture: ${architecture}`,
  ];
  const [index] = execFileSync('apt-get', ['indextargets', ...format], { encoding: 'utf8' })
    .trim()
    .split('\n');
  if (name === undefined || !index) return null;
  const text = execFileSync('/usr/lib/apt/apt-helper', ['cat-file', index], {
    encoding: 'utf8',
    maxBuffer: 512 * 1024 * 1024,
  });
  return {
    indexSha256: createHash('sha256')
      .update(readFileSync(path.join(folder, name)))
      .digest('hex'),
    packages: [...paragraphs(text)].map((paragraph) => {
      const fields = parseParagraph(paragraph);
      return ['package', 'version', 'sha256'].map((field) => fields.get(field)).join(' ');
    }),
  };
}

/** apt's candidate of packages in its own lists; fewer than asked for when the lists do not have them. */
function aptCandidates(names: readonly string[]): Map<string, string> {
  const answer = execFileSync('apt-cache', ['policy', ...names], {
    encoding: 'utf8',
    env: { LC_ALL: 'C.UTF-8', ...process.env },
  });
  return new Map(
    [...answer.matchAll(/^(\S+):\n.*\n {2}Candidate: (\S+)/gm)].flatMap(([, name = '', version = '']) =>
      version === '(none)' ? [] : [[name, version] as const],
    ),
  );
}
