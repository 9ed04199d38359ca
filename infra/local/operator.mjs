// `npm run operator -- EMAIL NAME`: makes an operator, and prints the link with which they choose a password.
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, root } from './prepare.mjs';

const [email, name] = process.argv.slice(2);
const url = process.env.VOUCH_DATABASE_PLATFORM_URL;
const publicUrl = process.env.VOUCH_PUBLIC_URL;
const end = (message) => {
  process.stderr.write(`${message}\n`);
  process.exit(2);
};
if (!email?.includes('@') || !name) end('usage: npm run operator -- EMAIL NAME');
if (!url || !publicUrl)
  end('Set VOUCH_DATABASE_PLATFORM_URL and VOUCH_PUBLIC_URL: they say where the operator belongs.');

build(() => undefined);
const library = (lib) => import(pathToFileURL(path.join(root, `libs/${lib}/dist/index.js`)).href);
const { registerOperator } = await library('identity');
const { Database, shared } = await library('platform');
const database = await Database.connect(url, { applicationName: 'vouch-operator', job: 'operator' });
try {
  const operator = { id: randomUUID(), email, name };
  const secret = await database.transaction(shared, (tx) => registerOperator(tx, operator, new Date()));
  const link = `${publicUrl.replace(/\/$/, '')}/#/new-password/${secret}`;
  process.stdout.write(`Open this within a day to choose a password; a second factor is asked for next:\n${link}\n`);
} catch (error) {
  process.stderr.write(`${error.code === '23505' ? `${email} has an account already.` : error.message}\n`);
  process.exitCode = 1;
} finally {
  await database.close();
}
