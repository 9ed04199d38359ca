import path from 'node:path';
import { GoldenBuilder, prerequisites, removeOrphans, SandboxDriver, SandboxHost } from '@vouch/lab';
import { createLogger, loadConfig, runProcess, systemClock } from '@vouch/platform';
import { LabApi } from './lab-api.js';
import { Runner } from './runner.js';
import { waitForStop } from './unavailable.js';

await runProcess(async () => {
  const config = loadConfig([
    'VOUCH_API_URL',
    'VOUCH_LAB_TOKEN',
    'VOUCH_DATA_DIR',
    'VOUCH_LAB_NAME',
    'VOUCH_LAB_CONCURRENCY',
    'VOUCH_LOG_LEVEL',
  ]);
  const logger = createLogger('lab-runner', config.VOUCH_LOG_LEVEL);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

  const api = new LabApi(config.VOUCH_API_URL, config.VOUCH_LAB_TOKEN);
  const can = await prerequisites();
  if (!can.ok) {
    logger.error({ reason: can.reason }, 'no lab can run here');
    await waitForStop(api, config.VOUCH_LAB_NAME, can.reason, stop.signal);
    return;
  }
  const host = await SandboxHost.open(path.join(config.VOUCH_DATA_DIR, 'sandbox'));
  const removed = await removeOrphans(host);
  if (removed.length > 0) logger.warn({ machines: removed }, 'removed what an earlier runner left behind');
  const goldens = new GoldenBuilder(host);
  const runner = new Runner({
    name: config.VOUCH_LAB_NAME,
    api,
    driver: new SandboxDriver(host, goldens, systemClock),
    goldens,
    workDir: path.join(config.VOUCH_DATA_DIR, 'lab-work'),
    concurrency: config.VOUCH_LAB_CONCURRENCY,
    logger,
  });
  logger.info('lab-runner runs');
  await runner.run(stop.signal);
  await host.close();
  logger.info('lab-runner stops');
  process.exit(0);
});
