import type { RunnerHello } from '@vouch/contracts';
import {
  declareProfiles,
  DEBIAN_UPGRADE,
  enqueueRun,
  planDigest,
  profileDigest,
  RunnerRegistry,
  RunQueue,
  URGENCY,
} from '@vouch/lab';
import { idOf, shared } from '@vouch/platform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from './database.js';

const profile = { name: 'p', title: 'P', stream: 's', components: [], files: [], seed: [], probes: [] };
const digest = profileDigest(profile);
const GOLDEN = 'a'.repeat(64);
const LEASE_SECONDS = 30;
const big = idOf('origin', 'big');
const small = idOf('origin', 'small');

describe('the queue of test runs', () => {
  let database: TestDatabase;
  let registry: RunnerRegistry;
  let queue: RunQueue;
  let now: Date;
  const write = (sql: string, ...values: unknown[]): Promise<unknown[]> =>
    database.platform.transaction(shared, (tx) => tx.query(sql, values));

  beforeEach(async () => {
    now = new Date();
    database = await createTestDatabase();
    registry = new RunnerRegistry(database.app, () => now);
    queue = new RunQueue(database.app, () => now, LEASE_SECONDS);
    await database.platform.transaction(shared, (tx) => declareProfiles(tx, [{ digest, profile }]));
    await write(
      `insert into catalog_source (id, stream, title, kind, definition) values ('s', 's', 'S', 'debian', '{}')`,
    );
    await write(
      `insert into catalog_snapshot (id, source_id, index_sha256, release_date, fetched_at, package_count, signed_by)
       values ($1, 's', 'x', now(), now(), 1, 'k')`,
      idOf('snapshot'),
    );
    await write(`insert into catalog_patch (id, source_id, external_id) values ($1, 's', 'p')`, idOf('patch'));
  });
  afterEach(() => database.drop());

  async function runner(name: string, capacity?: number): Promise<string> {
    const driver: RunnerHello['drivers'][number] = {
      name: 'sandbox',
      fidelity: 'full',
      capabilities: ['packages'],
      ...(capacity === undefined ? {} : { capacity }),
    };
    const { runnerId } = await registry.welcome(name, { name, drivers: [driver] }, 'test');
    const golden = { digest: GOLDEN, state: 'ready' as const, components: [], services: [], buildMilliseconds: 1 };
    await registry.reportGolden(runnerId, { profileDigest: digest, ...golden }, 'test');
    return runnerId;
  }

  /** Queues runs, each of a revision of its own. @returns their ids */
  async function wanted(
    count: number,
    by: string[],
    urgency: number = URGENCY.routine,
    machines = 1,
  ): Promise<string[]> {
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const revisionId = idOf('revision', by.join(), String(machines), String(index));
      await write(
        `insert into catalog_revision (id, patch_id, version, metadata_sha256, artefacts_sha256, first_snapshot, last_snapshot)
         values ($1, $2, '1', $1::uuid::text, 'a', $3, $3) on conflict do nothing`,
        revisionId,
        idOf('patch'),
        idOf('snapshot'),
      );
      ids.push(
        await database.platform.transaction(shared, (tx) =>
          enqueueRun(tx, {
            revisionId,
            profileDigest: digest,
            golden: { digest: GOLDEN, driver: 'sandbox', components: [], services: [] },
            plan: DEBIAN_UPGRADE,
            planDigest: planDigest(DEBIAN_UPGRADE),
            artefacts: [],
            priority: machines,
            urgency,
            origins: by,
            correlationId: 'test',
            at: new Date(),
          }),
        ),
      );
    }
    return ids;
  }
  const claims = async (runnerId: string, count: number): Promise<(string | undefined)[]> => {
    const ids: (string | undefined)[] = [];
    for (let n = 0; n < count; n += 1) ids.push((await queue.claim(runnerId))?.runId);
    return ids;
  };

  it('serves a small MSP in turn with one that wants very many', async () => {
    const lab = await runner('lab');
    await wanted(40, [big], URGENCY.routine, 900);
    const few = await wanted(3, [small]);
    expect((await claims(lab, 6)).filter((id) => few.includes(id ?? ''))).toHaveLength(3);
  });

  it('takes what is known to be exploited first, then security, whoever wants it', async () => {
    const lab = await runner('lab');
    const [routine] = await wanted(1, [small], URGENCY.routine, 100);
    const [security] = await wanted(1, [big], URGENCY.security, 2);
    const [exploited] = await wanted(1, [big], URGENCY.exploited, 1);
    expect(await claims(lab, 4)).toEqual([exploited, security, routine, undefined]);
  });

  it('learns of a waiting run that it has become urgent', async () => {
    const lab = await runner('lab');
    await wanted(5, [big], URGENCY.routine, 50);
    const [late] = await wanted(1, [big]);
    expect(await wanted(1, [big], URGENCY.exploited)).toEqual([late]);
    expect(await claims(lab, 1)).toEqual([late]);
  });

  it('gives a lab host no more than it has room for, also when it asks for more', async () => {
    const lab = await runner('lab', 2);
    const other = await runner('other', 1);
    const all = await wanted(4, [big]);
    const given = await claims(lab, 3);
    expect(given.map((id) => id !== undefined)).toEqual([true, true, false]);
    expect((await claims(other, 2)).map((id) => id !== undefined)).toEqual([true, false]);
    now = new Date(now.getTime() + (LEASE_SECONDS + 1) * 1000);
    await queue.recoverLostLeases();
    expect(all).toContain((await claims(lab, 1))[0]);
  });

  it('gives each run to one runner when many ask at once', async () => {
    const labs = await Promise.all(['a', 'b', 'c', 'd'].map((name) => runner(name)));
    const all = await wanted(12, [big]);
    const given = await Promise.all(Array.from({ length: 16 }, (_, n) => queue.claim(labs[n % 4] ?? '')));
    const ids = given.flatMap((job) => (job === null ? [] : [job.runId]));
    expect(ids.sort()).toEqual([...all].sort());
  });
});
