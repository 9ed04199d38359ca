import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startPostgres } from '../../infra/local/postgres.mjs';
import { startRedis } from '../../infra/local/redis.mjs';

/** A PostgreSQL and a Redis of their own for the integration tests, gone with them. */
export default async function setup() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-test-'));
  // The database's user has to pass through.
  fs.chmodSync(dir, 0o711);
  const started = [];
  const teardown = async () => {
    for (const service of started.reverse()) await service.stop();
    fs.rmSync(dir, { recursive: true, force: true });
  };
  try {
    const postgres = await startPostgres({ dir: path.join(dir, 'postgres'), throwaway: true });
    started.push(postgres);
    const redis = await startRedis({ dir: path.join(dir, 'redis') });
    started.push(redis);
    process.env.VOUCH_TEST_DATABASE_URL = postgres.url;
    process.env.VOUCH_TEST_REDIS_URL = redis.url;
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}
