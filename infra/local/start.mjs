// `npm start`: everything that a newcomer needs, from a clone to the console with the main job running in it.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { pathToFileURL } from 'node:url';
import { buildAgent, checkNode, prepare, root, SetupError } from './prepare.mjs';

const startedAt = Date.now();
const say = (line) => process.stdout.write(`${line}\n`);
const dataDir = path.resolve(process.env.VOUCH_DATA_DIR || path.join(root, '.data'));
// A closed terminal must not keep the processes from being stopped in order.
process.stdout.on('error', () => undefined);
const platform = pathToFileURL(path.join(root, 'libs/platform/dist/index.js')).href;
const STRIPE_STAND_IN_PORT = 12111;
const stops = [];
let stopping;

/** Stops everything, last started first. */
function stop(code = 0) {
  stopping ??= (async () => {
    say('stopping');
    for (const step of stops.reverse()) await step().catch((error) => say(String(error.message ?? error)));
    process.exit(code);
  })();
  return stopping;
}

/** Two starts on one folder would fight over its data. */
function takeLock() {
  fs.mkdirSync(dataDir, { recursive: true });
  const file = path.join(dataDir, 'run.lock');
  const pid = fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) : 0;
  let command = '';
  try {
    command = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // Nobody holds it any more.
  }
  if (pid !== process.pid && command.includes('start.mjs')) {
    throw new SetupError(
      `Vouch runs already on ${dataDir} (process ${pid}). Stop it first, or set VOUCH_DATA_DIR to another folder.`,
    );
  }
  fs.writeFileSync(file, String(process.pid));
  stops.push(async () => fs.rmSync(file, { force: true }));
}

/** What somebody has set is checked before anything is started: a wrong value is named in one sentence. */
async function checkSettings() {
  const { ConfigError, loadConfig, settings } = await import(platform);
  try {
    // The data folder may be given relative to where this was started.
    for (const name of Object.keys(settings)) if (process.env[name] && name !== 'VOUCH_DATA_DIR') loadConfig([name]);
  } catch (error) {
    throw error instanceof ConfigError ? new SetupError(error.message) : error;
  }
}

async function services(secrets) {
  const { startPostgres } = await import('./postgres.mjs');
  const { startRedis } = await import('./redis.mjs');
  let [ownerUrl, redisUrl] = [process.env.DATABASE_URL, process.env.REDIS_URL];
  if (!ownerUrl) {
    const postgres = await startPostgres({ dir: path.join(dataDir, 'postgres') });
    stops.push(postgres.stop);
    ownerUrl = postgres.url;
  }
  if (!redisUrl) {
    const redis = await startRedis({ dir: path.join(dataDir, 'redis') });
    stops.push(redis.stop);
    redisUrl = redis.url;
  }
  const { migrate } = await import(platform);
  const passwords = { app: secrets.databaseApp, platform: secrets.databasePlatform };
  const { appUrl, platformUrl } = await migrate(ownerUrl, path.join(root, 'infra/migrations'), passwords);
  return { appUrl, platformUrl, redisUrl };
}

function environment(secrets, { appUrl, platformUrl, redisUrl }, ports) {
  const ownStripe = Boolean(process.env.STRIPE_SECRET_KEY);
  const url = `http://127.0.0.1:${ports.api}`;
  return {
    VOUCH_DEVICE_POLL_SECONDS: '5',
    // The one that the demo's machines resemble, so that it is there when they ask.
    VOUCH_LAB_READY_PROFILES: 'web-database',
    VOUCH_RECONCILE_SECONDS: '5',
    ...process.env,
    NODE_ENV: 'production',
    VOUCH_DATABASE_APP_URL: appUrl,
    VOUCH_DATABASE_PLATFORM_URL: platformUrl,
    REDIS_URL: redisUrl,
    VOUCH_DATA_DIR: dataDir,
    VOUCH_PORT: String(ports.api),
    VOUCH_WORKER_PORT: String(ports.worker),
    VOUCH_LAB_PORT: String(ports.lab),
    VOUCH_PUBLIC_URL: process.env.VOUCH_PUBLIC_URL || `http://localhost:${ports.api}`,
    VOUCH_API_URL: url,
    VOUCH_LAB_TOKEN: process.env.VOUCH_LAB_TOKEN || secrets.labToken,
    VOUCH_SECRETS_KEY: process.env.VOUCH_SECRETS_KEY || secrets.secretsKey,
    VOUCH_METRICS_TOKEN: process.env.VOUCH_METRICS_TOKEN || secrets.metricsToken,
    VOUCH_DEMO_PASSWORD: process.env.VOUCH_DEMO_PASSWORD || secrets.demoPassword,
    VOUCH_DEMO_CODE_SECRET: secrets.demoCodeSecret,
    VOUCH_STARTED_AT_MS: String(startedAt),
    ...(ownStripe
      ? { STRIPE_WEBHOOK_SECRET: process.env.STRIPE_WEBHOOK_SECRET || 'whsec_not_configured' }
      : {
          STRIPE_SECRET_KEY: secrets.stripeKey,
          STRIPE_WEBHOOK_SECRET: secrets.stripeWebhook,
          VOUCH_STRIPE_API_URL: `http://127.0.0.1:${ports.stripe}`,
          VOUCH_STRIPE_STAND_IN_PORT: String(ports.stripe),
          VOUCH_STRIPE_STAND_IN_SECRET_KEY: secrets.stripeKey,
          VOUCH_STRIPE_STAND_IN_WEBHOOK_SECRET: secrets.stripeWebhook,
          VOUCH_STRIPE_STAND_IN_WEBHOOK_URL: `${url}/webhooks/stripe`,
          VOUCH_STRIPE_STAND_IN_DATA_FILE: path.join(dataDir, 'stripe-stand-in.json'),
        }),
  };
}

/** Runs a short program to its end. */
function runOnce(script, env, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(root, script), ...args], {
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new SetupError(`${script} ended with ${code}.`))));
  });
}

async function healthy(url, timeoutMs = 60_000) {
  const until = Date.now() + timeoutMs;
  while (Date.now() < until) {
    const response = await fetch(`${url}/health/ready`).catch(() => undefined);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new SetupError(`The API did not become ready; see ${path.join(dataDir, 'logs/api.log')}.`);
}

/** The demo's machines, whose words go to the terminal. */
function startDemo(env) {
  const argv = ['--pdeathsig', 'TERM', '--', process.execPath, path.join(root, 'infra/demo/dist/main.js')];
  const child = spawn('setpriv', argv, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  void exited.then((code) => {
    if (!stopping) say(`The demo's machines ended (${code}); the console goes on without them.`);
  });
  for (const stream of [child.stdout, child.stderr])
    readline
      .createInterface({ input: stream })
      .on('line', (line) => say(line.startsWith('main job') ? line : `  demo: ${line}`));
  stops.push(async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 40_000);
    await exited;
    clearTimeout(timer);
  });
}

async function main() {
  checkNode();
  takeLock();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop());
  const advice = await prepare(say);
  if (advice) say(advice);
  await checkSettings();
  buildAgent(dataDir);
  const { freePort } = await import('./ports.mjs');
  const { loadSecrets } = await import('./secrets.mjs');
  const { Supervisor } = await import('./supervisor.mjs');
  const secrets = loadSecrets(dataDir);
  say('starting PostgreSQL and Redis');
  const connections = await services(secrets);
  const ports = {
    api: await freePort(Number(process.env.VOUCH_PORT) || 8080),
    worker: await freePort(),
    lab: await freePort(),
    // Links in invoices name the stand-in's port, so it keeps the one that it had.
    stripe: await freePort(STRIPE_STAND_IN_PORT),
  };
  const env = environment(secrets, connections, ports);
  const { environmentOf } = await import('./environments.mjs');
  await runOnce('infra/keys/dist/main.js', await environmentOf('keys', env), 'init');
  await runOnce('infra/demo/dist/seed.js', await environmentOf('seed', env));
  const supervisor = new Supervisor(path.join(dataDir, 'logs'), say);
  stops.push(() => supervisor.stop());
  const start = async (name, script) =>
    supervisor.start(name, [process.execPath, path.join(root, script)], await environmentOf(name, env));
  if (env.VOUCH_STRIPE_API_URL) await start('stripe-stand-in', 'infra/stripe-stand-in/dist/main.js');
  await start('api', 'apps/api/dist/main.js');
  await start('worker', 'apps/worker/dist/main.js');
  await start('lab-runner', 'apps/lab-runner/dist/main.js');
  await healthy(env.VOUCH_API_URL);
  say('');
  say(`Vouch runs at ${env.VOUCH_PUBLIC_URL} (ready after ${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
  say(`  consultancy: technician@demo.example, owner@demo.example   password: ${env.VOUCH_DEMO_PASSWORD}`);
  say(`               and a code: npm run demo:code   (or ${env.VOUCH_DEMO_CODE_SECRET} in an authenticator app)`);
  say('  customers:   owner@bakery.example, owner@dentist.example, owner@joinery.example   (same password, no code)');
  if (!env.VOUCH_SMTP_URL)
    say('  Mails are not sent: they become files in ' + path.join(path.relative(process.cwd(), dataDir), 'mails'));
  if (env.VOUCH_STRIPE_API_URL) say('  Billing goes to a stand-in for Stripe on this machine: no real money moves.');
  say('  Ctrl-C stops everything; the data stays in ' + path.relative(process.cwd(), dataDir));
  say('');
  startDemo(await environmentOf('demo', env));
}

main().catch((error) => {
  say(error instanceof SetupError ? error.message : String(error.stack ?? error));
  void stop(1);
});
