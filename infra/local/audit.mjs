// `npm run audit -- verify [file]`: is the audit trail as it was written? With a file, an export is checked without any
// database; without one, the database of this installation. Ends with 1 when an entry is broken.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { root } from './prepare.mjs';

const USAGE = `Usage: npm run audit -- verify [export.ndjson] [--trust FOLDER [--root KEY-ID]...] [--key public-key.pem]... [--checkpoints older.ndjson]
  Without a file: the database that VOUCH_DATABASE_PLATFORM_URL names.
  --trust        the trust documents to follow, 1.json and on: each head is checked against the key that counted when it
                 was signed (default, without --key: those of the data folder)
  --root         the key id that the first trust document may name as its root; without it, what it names is believed
  --key          a public audit key, from a place that you trust; as many as you have. What a trust document says about
                 the same key counts more
  --checkpoints  signed heads from elsewhere (default, for a database: those that the worker kept in the data folder)`;

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
    options: {
      key: { type: 'string', multiple: true, default: [] },
      trust: { type: 'string' },
      root: { type: 'string', multiple: true },
      checkpoints: { type: 'string' },
    },
  });
  const [command, file] = positionals;
  if (command !== 'verify' || positionals.length > 2) give(USAGE);
  const { verifyAuditExport, wordsOf } = await library('evidence');
  const keys = await keysFor(values);
  const signed = (from) =>
    linesOf(from)
      .map((line) => JSON.parse(line))
      .filter((line) => line.kind === 'checkpoint')
      .map((line) => line.envelope);

  const keptFile = values.checkpoints ?? path.join(dataDir, 'audit-checkpoints.ndjson');
  const report = file
    ? verifyAuditExport(linesOf(file), keys, values.checkpoints ? signed(values.checkpoints) : [])
    : await verifyDatabase(keys, fs.existsSync(keptFile) ? signed(keptFile) : []);
  for (const line of wordsOf(report)) process.stdout.write(`${line}\n`);
  process.exit(report.broken ? 1 : 0);
}

/** The keys that were named, and those of the log of keys, with the time for which each counts. */
async function keysFor({ key: files, trust, root: pinned }) {
  const { auditKeyGiven, auditKeysOf, joinAuditKeys, TrustStore } = await library('evidence');
  const given = files.map((file) => auditKeyGiven(fs.readFileSync(file, 'utf8')));
  if (given.length > 0 && trust === undefined) return given;
  const folder = trust ?? path.join(dataDir, 'public-keys/trust');
  const log = await new TrustStore(folder).log(pinned);
  if (log.length === 0) give(`There is no trust document in ${folder}; name the public audit key with --key.`);
  return joinAuditKeys(auditKeysOf(log.map(({ document }) => document)), given);
}

async function verifyDatabase(keys, kept) {
  const url = process.env.VOUCH_DATABASE_PLATFORM_URL;
  if (!url) give('VOUCH_DATABASE_PLATFORM_URL is not set: name the database, or a file to check.');
  const [{ endsToMeet, openHeads, reportOf }, { INSTALLATION_CHAIN }] = [
    await library('evidence'),
    await library('contracts'),
  ];
  const { checkAudit, Database, shared } = await library('platform');
  const database = await Database.connect(url, { applicationName: 'vouch-audit', job: 'audit.verify' });
  try {
    return await database.transaction(shared, async (tx) => {
      const stored = await tx.query('select envelope from platform_audit_checkpoint order by id');
      const { heads, refused } = openHeads([...kept, ...stored.map(({ envelope }) => envelope)], keys);
      const { broken, entries, signedUpTo } = await checkAudit(tx, endsToMeet(heads));
      return reportOf(broken, [{ chain: INSTALLATION_CHAIN, entries, signedUpTo }], heads, refused);
    });
  } finally {
    await database.close();
  }
}

main().catch((error) => give(error.message));
