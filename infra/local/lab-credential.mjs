// `npm run lab-credential -- add NAME [DAYS] | revoke NAME | list`: who may come as a lab-runner.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, root } from './prepare.mjs';

const [command, name, days] = process.argv.slice(2);
const url = process.env.VOUCH_DATABASE_PLATFORM_URL;
const end = (message) => {
  process.stderr.write(`${message}\n`);
  process.exit(2);
};
const isUsed =
  command === 'list' ? !name : ['add', 'revoke'].includes(command) && name && /^[1-9]\d{0,3}$/.test(days ?? '1');
if (!isUsed) end('usage: npm run lab-credential -- add NAME [DAYS] | revoke NAME | list');
if (!url) end('Set VOUCH_DATABASE_PLATFORM_URL: it says where the lab-runner belongs.');

build(() => undefined);
const library = (lib) => import(pathToFileURL(path.join(root, `libs/${lib}/dist/index.js`)).href);
const { listLabRunnerCredentials, makeLabRunnerCredential, revokeLabRunnerCredential } = await library('identity');
const { Database, shared } = await library('platform');
const say = (line) => process.stdout.write(`${line}\n`);
const on = (time) => time?.toISOString() ?? 'never';

const commands = {
  async add(tx, now) {
    const secret = await makeLabRunnerCredential(tx, name, now, days === undefined ? null : Number(days));
    say(`Set VOUCH_LAB_TOKEN of the lab-runner to this; it is shown only here, and an older one of ${name} has ended:`);
    say(secret);
  },
  async revoke(tx, now) {
    if (await revokeLabRunnerCredential(tx, name, now)) return say(`The credential of ${name} has ended.`);
    process.stderr.write(`${name} has no credential that is valid.\n`);
    process.exitCode = 1;
  },
  async list(tx, now) {
    for (const it of await listLabRunnerCredentials(tx, now))
      say(`${it.name}  ${it.state}  made ${on(it.createdAt)}  expires ${on(it.expiresAt)}  used ${on(it.lastUsedAt)}`);
  },
};

const database = await Database.connect(url, { applicationName: 'vouch-lab-credential', job: 'lab-credential' });
try {
  await database.transaction(shared, (tx) => commands[command](tx, new Date()));
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  await database.close();
}
