import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  audit,
  createLogger,
  firstBrokenAuditEntry,
  Metrics,
  OutboxRelay,
  publish,
  shared,
  StageRunner,
  type Stage,
} from '@vouch/platform';
import { createTestDatabase, testRedisUrl, type TestDatabase } from './database.js';

const SOURCE = 'debian-12-amd64-security';

/** Does its work once in PostgreSQL, however often it is asked to, and lists what is not done yet. */
class CountingStage implements Stage {
  readonly name = `counting-${Math.random().toString(36).slice(2)}`;
  readonly concurrency = 4;
  readonly wakes = {
    'catalog.source-changed': (payload: Readonly<Record<string, unknown>>) => String(payload['sourceId']),
  } as const;
  /** The first reconciliation may find the same work as an event: then it is asked for twice. */
  readonly asked: string[] = [];
  failures = 0;

  constructor(private readonly database: TestDatabase) {}

  async pending(): Promise<string[]> {
    const rows = await this.database.platform.read<{ id: string }>(
      shared,
      `select id from catalog_source where state = 'new'`,
    );
    return rows.map((row) => row.id);
  }

  async process(key: string): Promise<void> {
    this.asked.push(key);
    if (this.failures-- > 0) throw new Error('not this time');
    await this.database.platform.transaction(shared, (tx) =>
      tx.query(`update catalog_source set state = 'ok' where id = $1`, [key]),
    );
  }
}

describe('queues, outbox and audit', () => {
  let database: TestDatabase;
  let stage: CountingStage;
  let runner: StageRunner;
  let relay: OutboxRelay;
  let redis: Redis;
  const metrics = new Metrics('test');
  const logger = createLogger('test', 'fatal' as 'error');

  const addSource = (id: string, commit = true): Promise<void> =>
    database.platform
      .transaction(shared, async (tx) => {
        await tx.query(
          `insert into catalog_source (id, stream, title, kind, definition) values ($1, 's', 't', 'debian', '{}')`,
          [id],
        );
        await publish(tx, { topic: 'catalog.source-changed', payload: { sourceId: id }, correlationId: 'c' });
        if (!commit) throw new Error('rolled back');
      })
      .catch((error: Error) => {
        if (error.message !== 'rolled back') throw error;
      });
  const undone = () => stage.pending().then((keys) => keys.length);

  beforeEach(async () => {
    database = await createTestDatabase();
    redis = new Redis(testRedisUrl());
    stage = new CountingStage(database);
    runner = new StageRunner([stage], testRedisUrl(), logger, metrics);
    relay = new OutboxRelay(database.platform, (event) => runner.wake(event), logger, metrics, 50);
  });
  afterEach(async () => {
    await relay.close();
    await runner.close();
    await redis.quit();
    await database.drop();
  });

  it('wake a stage for what was committed, and for nothing that was rolled back', async () => {
    runner.start(3600);
    relay.start();
    await addSource(SOURCE);
    await addSource('rolled-back', false);
    await expect.poll(undone, { timeout: 10_000 }).toBe(0);
    expect([...new Set(stage.asked)]).toEqual([SOURCE]);
  });

  it('I4: complete everything although Redis is emptied again and again', async () => {
    runner.start(1);
    relay.start();
    for (let i = 0; i < 40; i += 1) {
      await addSource(`source-${i}`);
      if (i % 10 === 5) await redis.flushall();
    }
    await expect.poll(undone, { timeout: 30_000 }).toBe(0);
  });

  it('try again what failed', async () => {
    stage.failures = 2;
    runner.start(3600);
    relay.start();
    await addSource(SOURCE);
    await expect.poll(undone, { timeout: 20_000 }).toBe(0);
    expect(stage.asked.length).toBeGreaterThanOrEqual(3);
  });

  it('hand an event over once when two relays work side by side', async () => {
    const seen: number[] = [];
    const receive = async (event: { id: number }): Promise<void> => void seen.push(event.id);
    const relays = [1, 2].map(() => new OutboxRelay(database.platform, receive, logger, metrics, 20));
    for (let i = 0; i < 20; i += 1) await addSource(`source-${i}`);
    await Promise.all(relays.map((one) => one.relayBatch(7)).concat(relays.map((one) => one.relayBatch(7))));
    while ((await relays[0]!.relayBatch()) > 0);
    expect(seen.length).toBe(20);
    expect(new Set(seen).size).toBe(20);
  });

  it('hand an event over again when its receiver failed', async () => {
    await addSource(SOURCE);
    const broken = new OutboxRelay(
      database.platform,
      () => Promise.reject(new Error('queue is away')),
      logger,
      metrics,
    );
    await expect(broken.relayBatch()).rejects.toThrow('queue is away');
    const seen: string[] = [];
    const whole = new OutboxRelay(database.platform, async (event) => void seen.push(event.topic), logger, metrics);
    expect(await whole.relayBatch()).toBe(1);
    expect(seen).toEqual(['catalog.source-changed']);
  });

  it('are purged of what was handed over long ago, and of nothing that waits', async () => {
    await addSource('old');
    await addSource('fresh');
    const receive = async (): Promise<void> => undefined;
    const one = new OutboxRelay(database.platform, receive, logger, metrics);
    await one.relayBatch(1);
    await database.platform.transaction(shared, (tx) =>
      tx.query(`update platform_outbox set relayed_at = now() - interval '8 days' where relayed_at is not null`),
    );
    expect(await one.purge(7)).toBe(1);
    expect(await one.relayBatch()).toBe(1);
  });

  it('I9: an audit entry that is changed, removed or added by hand is found', async () => {
    const write = (why: string) =>
      database.platform.transaction(shared, async (tx) => {
        audit(tx, { tenantId: null, at: new Date(), actor: 'a', action: 'b', subject: 'c', why });
      });
    await Promise.all(['one', 'two', 'three', 'four'].map(write));
    const broken = () => database.platform.transaction(shared, firstBrokenAuditEntry);
    expect(await broken()).toBeNull();

    const { default: pg } = await import('pg');
    const owner = new pg.Client({ connectionString: database.ownerUrl });
    await owner.connect();
    try {
      // The table refuses changes; its owner must mean it.
      await owner.query(`set session_replication_role = 'replica'`);
      await owner.query(`update platform_audit set why = 'changed' where seq = 2`);
      expect(await broken()).toBe(2);
      await owner.query('delete from platform_audit where seq = 2');
      expect(await broken()).toBe(2);
      await owner.query('delete from platform_audit where seq >= 2');
      expect(await broken()).toBe(2);
    } finally {
      await owner.end();
    }
    await expect(database.platform.transaction(shared, (tx) => tx.query('delete from platform_audit'))).rejects.toThrow(
      'permission denied',
    );
    await expect(
      database.app.transaction(shared, (tx) => tx.query(`update platform_audit set why = ''`)),
    ).rejects.toThrow('permission denied');
  });
});
