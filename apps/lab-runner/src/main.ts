import path from 'node:path';
import { createLogger, createOperationServer, loadConfig, runProcess } from '@vouch/platform';
import { LabApi } from './lab-api.js';
import { LabRunner } from './lab-runner.js';
import { libvirtEngine, MachineLaboratory, qemuEngine } from './machine-laboratory.js';
import { RunnerMetrics } from './runner-metrics.js';
import { SandboxLaboratory } from './sandbox-laboratory.js';
import { labRunnerSettings } from './settings.js';
import { openWorkDir } from './work-dir.js';

const RETRY_MS = 30_000;
const DAY_MS = 86_400_000;

await runProcess(async () => {
  const config = loadConfig(labRunnerSettings);
  const logger = createLogger('lab-runner', config.VOUCH_LOG_LEVEL);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

  const directory = path.join(config.VOUCH_DATA_DIR, 'sandbox');
  const lab = new SandboxLaboratory(directory, logger, config.VOUCH_LAB_KEEP_UNUSED_DAYS * DAY_MS);
  const machines = new MachineLaboratory(
    directory,
    config.VOUCH_LAB_LIBVIRT_URI === '' ? qemuEngine : libvirtEngine(config.VOUCH_LAB_LIBVIRT_URI),
  );
  const api = new LabApi(config.VOUCH_API_URL, config.VOUCH_LAB_TOKEN, stop.signal);
  const workDir = await openWorkDir(config.VOUCH_DATA_DIR, config.VOUCH_LAB_NAME);
  const options = {
    name: config.VOUCH_LAB_NAME,
    concurrency: config.VOUCH_LAB_CONCURRENCY,
    retryMs: RETRY_MS,
    tidyMs: DAY_MS,
    workDir,
  };
  const metrics = new RunnerMetrics(config.VOUCH_DATA_DIR);
  const server = createOperationServer(() => metrics.readiness(), metrics.registry);
  if (config.VOUCH_LAB_PORT !== undefined) {
    server.on('error', (error) => logger.error({ error: error.message }, 'health and metrics cannot be asked for'));
    server.listen(config.VOUCH_LAB_PORT, config.VOUCH_LAB_HOST);
  }
  logger.info('lab-runner runs');
  await new LabRunner(lab, [machines], api, options, logger, metrics).work(stop.signal);
  server.close();
  await lab.close();
  await machines.close();
  logger.info('lab-runner stops');
  process.exit(0);
});
