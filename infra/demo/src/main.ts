import { prerequisites } from '@vouch/lab';
import { loadConfig, runProcess } from '@vouch/platform';
import { ApiClient } from './api-client.js';
import { DemoFleet } from './fleet.js';
import { waitForMainJob } from './main-job.js';
import { mspOwnerEmail, tenants } from './organisation.js';
import { demoSettings } from './settings.js';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

await runProcess(async () => {
  const config = loadConfig(demoSettings);
  const startedAt = config.VOUCH_STARTED_AT_MS ?? Date.now();
  const can = await prerequisites();
  if (!can.ok || can.init !== 'systemd') {
    say(`no machines can run here: ${can.reason}`);
    process.exit(1);
  }
  const api = new ApiClient(config.VOUCH_API_URL, {
    email: mspOwnerEmail,
    password: config.VOUCH_DEMO_PASSWORD,
    codeSecret: config.VOUCH_DEMO_CODE_SECRET,
  });
  await api.signIn();
  const fleet = await DemoFleet.open(config.VOUCH_DATA_DIR, config.VOUCH_PORT, api, say);
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    await fleet.close();
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop());
  process.once('SIGINT', () => void stop());
  try {
    await fleet.start();
    const devices = tenants.reduce((sum, tenant) => sum + tenant.devices.length, 0);
    const result = await waitForMainJob(api, devices);
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    say(`main job done in ${seconds} s: ${JSON.stringify(result)}`);
  } catch (error) {
    if (stopping) return;
    await fleet.close();
    throw error;
  }
});
