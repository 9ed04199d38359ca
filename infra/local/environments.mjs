// What each process is told: its own settings and no other's. A stolen process knows what is in its environment.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './prepare.mjs';

/** What any program may need of the machine. */
const OF_THE_MACHINE = [
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'TERM', 'NODE_ENV', 'NODE_OPTIONS'],
  ...['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'],
];

/** Where a process says which settings it reads. */
const LISTS = {
  api: ['apps/api/dist/settings.js', 'apiSettings'],
  worker: ['apps/worker/dist/settings.js', 'workerSettings'],
  'lab-runner': ['apps/lab-runner/dist/settings.js', 'labRunnerSettings'],
  keys: ['libs/evidence/dist/index.js', 'keyStoreSettings'],
  seed: ['infra/demo/dist/settings.js', 'seedSettings'],
  demo: ['infra/demo/dist/settings.js', 'demoSettings'],
};

/**
 * The environment of one process.
 * @param {string} name of the process
 * @param {Record<string, string | undefined>} all settings of the installation, and the machine's environment
 * @returns {Promise<Record<string, string>>}
 */
export async function environmentOf(name, all) {
  const settings = await settingsOf(name, all);
  const wanted = [...OF_THE_MACHINE, ...settings].filter((key) => all[key] !== undefined);
  return Object.fromEntries(wanted.map((key) => [key, all[key]]));
}

async function settingsOf(name, all) {
  if (name === 'stripe-stand-in') return Object.keys(all).filter((key) => key.startsWith('VOUCH_STRIPE_STAND_IN_'));
  const list = LISTS[name];
  if (list === undefined) throw new Error(`Nobody says which settings ${name} needs: add it to LISTS.`);
  const [file, exported] = list;
  return (await import(pathToFileURL(path.join(root, file)).href))[exported];
}
