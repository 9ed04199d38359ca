// `npm run audit -- verify [file]`: is the audit trail as it was written? With a file, an export is checked without any
// database; without one, the database of this installation. Ends with 1 when an entry is broken.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { root } from './prepare.mjs';

const USAGE = `Usage: npm run audit -- verify [export.ndjson] [--key public-key.pem] [--checkpoints older.ndjson]
  Without a file: the database that VOUCH_DATABASE_PLATFORM_URL names.
  --key          the installation's public audit key, from a place that you trust (default: those of the data folder's trust document)
  --checkpoints  signed checkpoints from elsewhere (default, for a database: those that the worker kept in the data folder)`;

const dataDir = path.resolve(process.env.VOUCH_DATA_DIR || path.join(root, '.data'));
const library = (name) => import(pathToFileURL(path.join(root, `libs/${name}/dist/index.js`)).href);
const linesOf = (file) =>
  fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');

/** Ends with one sentence; 2 says that nothing could be checked, which is not the same as a broken trail. */
function give(up) {
  process.stderr.write(`${up}\n`);
  process.exit(2);
}

async function main() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { key: { type: 'string' }, checkpoints: { type: 'string' } },
  });
  const [command, file] = positionals;
  if (command !== 'verify' || positionals.length > 2) give(USAGE);
  const { openCheckpoint, verifyAuditExport, wordsOf } = await library('evidence');
  const keys = values.key ? [fs.readFileSync(values.key, 'utf8')] : await keysOfThisInstallation();
  const opened = (from) =>
    linesOf(from)
      .map((line) => JSON.parse(line))
      .filter((line) => line.kind === 'checkpoint')
      .map((line) => openCheckpoint(line.envelope, keys));

  const keptFile = values.checkpoints ?? path.join(dataDir, 'audit-checkpoints.ndjson');
  const report = file
    ? verifyAuditExport(linesOf(file), keys, values.checkpoints ? opened(values.checkpoints) : [])
    : await verifyDatabase(fs.existsSync(keptFile) ? opened(keptFile) : [], (envelope) =>
        openCheckpoint(envelope, keys),
      );
  for (const line of wordsOf(report)) process.stdout.write(`${line}\n`);
  process.exit(report.broken ? 1 : 0);
}

async function keysOfThisInstallation() {
  const { believedKeys, TrustStore } = await library('evidence');
  const newest = await new TrustStore(path.join(dataDir, 'public-keys/trust')).newest();
  if (newest === null) give(`There is no trust document in ${dataDir}; name the public audit key with --key.`);
  return believedKeys(newest.document, 'audit');
}

async function verifyDatabase(kept, open) {
  const url = process.env.VOUCH_DATABASE_PLATFORM_URL;
  if (!url) give('VOUCH_DATABASE_PLATFORM_URL is not set: name the database, or a file to check.');
  const { checkAudit, Database, shared } = await library('platform');
  const database = await Database.connect(url, { applicationName: 'vouch-audit', job: 'audit.verify' });
  try {
    return await database.transaction(shared, async (tx) => {
      const stored = await tx.query('select envelope from platform_audit_checkpoint order by id');
      const checkpoints = [...kept, ...stored.map(({ envelope }) => open(envelope))];
      const { broken, entries, signedUpTo } = await checkAudit(tx, checkpoints);
      return { broken, chains: [{ chain: 'installation', entries, signedUpTo }], unproven: 0 };
    });
  } finally {
    await database.close();
  }
}

main().catch((error) => give(error.message));
