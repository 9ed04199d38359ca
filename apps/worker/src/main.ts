import fs from 'node:fs/promises';
import path from 'node:path';
import { configuredSources, declareSources } from '@vouch/catalog';
import { declareProfiles, parseProfile, profileDigest, wantProfile } from '@vouch/lab';
import {
  ConfigError,
  createLogger,
  createOperationServer,
  Database,
  Listener,
  loadConfig,
  Metrics,
  OutboxRelay,
  runAsJob,
  runProcess,
  shared,
  StageRunner,
  systemClock,
  type Readiness,
} from '@vouch/platform';
import { composeStages } from './compose.js';
import { openKeys } from './keys.js';
import { workerSettings } from './settings.js';

const PROFILES = path.resolve(import.meta.dirname, '../../../libs/lab/profiles');

await runProcess(async () => {
  const config = loadConfig(workerSettings);
  const logger = createLogger('worker', config.VOUCH_LOG_LEVEL);
  const metrics = new Metrics('worker');
  const database = await Database.connect(config.VOUCH_DATABASE_PLATFORM_URL, { applicationName: 'vouch-worker' });
  const keys = await openKeys(config);
  await runAsJob('declare', () => declare(database, config.VOUCH_LAB_READY_PROFILES));

  const runner = new StageRunner(composeStages(config, database, keys), config.REDIS_URL, logger, metrics);
  runner.start(config.VOUCH_RECONCILE_SECONDS);
  const relay = new OutboxRelay(database, (event) => runner.wake(event), logger, metrics);
  relay.start();
  const listener = new Listener(config.VOUCH_DATABASE_PLATFORM_URL, { vouch_outbox: () => relay.poke() }, () =>
    relay.poke(),
  );
  await listener.start();
  const readiness = (): Promise<Readiness> =>
    database.ping().then(
      () => ({ ready: true, detail: { database: 'up' } }),
      () => ({ ready: false, detail: { database: 'down' } }),
    );
  const server = createOperationServer(readiness, metrics.registry, { token: config.VOUCH_METRICS_TOKEN });
  server.listen(config.VOUCH_WORKER_PORT, config.VOUCH_HOST);
  logger.info('worker runs');

  const stop = async (signal: string): Promise<void> => {
    logger.info({ signal }, 'worker stops');
    server.close();
    await listener.close();
    await relay.close();
    await runner.close();
    await database.close();
    process.exit(0);
  };
  process.once('SIGTERM', (signal) => void stop(signal));
  process.once('SIGINT', (signal) => void stop(signal));
});

/** Makes known what this machine reads and what the lab can build. */
async function declare(database: Database, ready: readonly string[]): Promise<void> {
  const sources = await configuredSources();
  const files = (await fs.readdir(PROFILES)).filter((name) => name.endsWith('.yaml')).sort();
  const profiles = await Promise.all(
    files.map(async (name) => {
      const profile = parseProfile(await fs.readFile(path.join(PROFILES, name), 'utf8'), name, sources.stream);
      return { digest: profileDigest(profile), profile };
    }),
  );
  const unknown = ready.find((name) => !profiles.some(({ profile }) => profile.name === name));
  if (unknown !== undefined) throw new ConfigError('VOUCH_LAB_READY_PROFILES', `names ${unknown}, which is no profile`);
  await database.transaction(shared, async (tx) => {
    await declareSources(tx, sources);
    await declareProfiles(tx, profiles);
    for (const { digest, profile } of profiles)
      if (ready.includes(profile.name)) await wantProfile(tx, digest, systemClock());
  });
}
