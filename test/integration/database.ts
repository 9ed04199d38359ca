import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { Database, migrate } from '@vouch/platform';
import pg from 'pg';

const MIGRATIONS = path.resolve(import.meta.dirname, '../../infra/migrations');
/** Roles belong to the cluster, which all spec files share: so do their passwords. */
const PASSWORDS = { app: 'app-of-the-tests', platform: 'platform-of-the-tests' };

/** A migrated, empty database of one spec file. */
export interface TestDatabase {
  readonly ownerUrl: string;
  readonly appUrl: string;
  readonly platformUrl: string;
  readonly app: Database;
  readonly platform: Database;
  /** Closes the connections and removes the database. */
  drop(): Promise<void>;
}

function clusterUrl(): string {
  const url = process.env['VOUCH_TEST_DATABASE_URL'];
  if (!url)
    throw new Error('VOUCH_TEST_DATABASE_URL is not set: run this with `npx vitest run --project integration`.');
  return url;
}

/** The Redis of the integration tests; spec files share it, so each names its queues for itself. */
export function testRedisUrl(): string {
  const url = process.env['VOUCH_TEST_REDIS_URL'];
  if (!url) throw new Error('VOUCH_TEST_REDIS_URL is not set: run this with `npx vitest run --project integration`.');
  return url;
}

/** Migrated once in a cluster; each test's database is a copy of it, which takes a tenth of the time. */
const TEMPLATE = 'vouch_test_template';

/** Makes a database of its own, migrated. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const name = `vouch_test_${randomBytes(6).toString('hex')}`;
  const ownerUrl = urlOf(name);
  await onCluster(async (cluster) => {
    // Two migrations at once would change the same roles; the migrator's own lock reaches only as far as one database.
    await cluster.query(`select pg_advisory_lock(hashtext('vouch test databases'))`);
    const made = await cluster.query('select 1 from pg_database where datname = $1', [TEMPLATE]);
    if (made.rowCount === 0) {
      await cluster.query(`create database ${TEMPLATE}_part`);
      await migrate(urlOf(`${TEMPLATE}_part`), MIGRATIONS, PASSWORDS);
      await cluster.query(`alter database ${TEMPLATE}_part rename to ${TEMPLATE}`);
    }
    await cluster.query(`create database ${name} template ${TEMPLATE} strategy file_copy`);
    // A copy has no rights on the database itself.
    await cluster.query(`grant connect on database ${name} to vouch_app, vouch_platform`);
  });
  const [appUrl, platformUrl] = [
    urlOf(name, { username: 'vouch_app', password: PASSWORDS.app }),
    urlOf(name, { username: 'vouch_platform', password: PASSWORDS.platform }),
  ];
  const [app, platform] = await Promise.all([
    Database.connect(appUrl, { applicationName: 'test-app' }),
    Database.connect(platformUrl, { applicationName: 'test-platform', job: 'test' }),
  ]);
  return {
    ownerUrl,
    appUrl,
    platformUrl,
    app,
    platform,
    drop: async () => {
      await Promise.all([app.close(), platform.close()]);
      await onCluster((cluster) => cluster.query(`drop database ${name} with (force)`));
    },
  };
}

function urlOf(database: string, role: { username?: string; password?: string } = {}): string {
  return Object.assign(new URL(clusterUrl()), role, { pathname: `/${database}` }).toString();
}

async function onCluster<T>(work: (cluster: pg.Client) => Promise<T>): Promise<T> {
  const cluster = new pg.Client({ connectionString: clusterUrl() });
  await cluster.connect();
  try {
    return await work(cluster);
  } finally {
    await cluster.end();
  }
}
