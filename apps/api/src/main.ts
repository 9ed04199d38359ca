import { createLogger, loadConfig, runProcess } from '@vouch/platform';
import { createServer } from './server.js';
import { apiSettings, Services } from './services.js';

await runProcess(async () => {
  const config = loadConfig(apiSettings);
  const logger = createLogger('api', config.VOUCH_LOG_LEVEL);
  const services = await Services.connect(config, logger);
  const app = await createServer(services);
  await app.listen(config.VOUCH_PORT, config.VOUCH_HOST);
  logger.info({ url: config.VOUCH_PUBLIC_URL }, 'api listens');

  const stop = async (signal: string): Promise<void> => {
    logger.info({ signal }, 'api stops');
    await services.close();
    await app.close();
    process.exit(0);
  };
  process.once('SIGTERM', (signal) => void stop(signal));
  process.once('SIGINT', (signal) => void stop(signal));
});
