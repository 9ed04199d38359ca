import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './prepare.mjs';

const USAGE = `usage: npm run verify -- VERDICT... [--file FILE]... [--trust FOLDER] [--root KEY-ID]... [--key FILE]... [--json]

VERDICT  a file or an address with a signed verdict (a DSSE envelope, or a run with one)
--file   a package or a piece of evidence that the verdict has to be about
--trust  the trust documents to follow, 1.json and on; without it, those of the installation here
--root   the key id that the first trust document may name as its root; without it, what it names is believed
--key    a public key (PEM) to believe instead of trust documents

Exit code: 0 all valid, 1 one is invalid, 2 it could not be checked, 3 one has expired.
`;

/**
 * Checks signed verdicts without asking anybody.
 * @param {string[]} args as they are typed
 * @param {{ out(text: string): void, err(text: string): void, prepare?(): void }} io `prepare` runs before there is work to do
 * @returns {Promise<0 | 1 | 2 | 3>} the exit code
 */
export async function verifyVerdicts(args, io) {
  try {
    return await verify(args, io);
  } catch (error) {
    io.err(`${error.message}\n${error.code?.startsWith('ERR_PARSE_ARGS') ? USAGE : ''}`);
    return 2;
  }
}

async function verify(args, { out, err, prepare }) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      key: { type: 'string', multiple: true },
      trust: {
        type: 'string',
        default: path.join(process.env.VOUCH_DATA_DIR || path.join(root, '.data'), 'public-keys/trust'),
      },
      root: { type: 'string', multiple: true },
      file: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
    },
  });
  if (positionals.length === 0) {
    err(USAGE);
    return 2;
  }
  prepare?.();
  const evidence = await import('@vouch/evidence');
  const believed = values.key?.map((file) => fs.readFileSync(file, 'utf8')) ?? follow(evidence, values);
  const files = values.file.map((file) => ({ name: path.basename(file), sha256: sha256(fs.readFileSync(file)) }));
  const states = [];
  for (const verdict of positionals) {
    const found = evidence.verifyVerdict(envelopeOf(await read(verdict)), believed, files, new Date());
    states.push(found.state);
    out(values.json ? `${JSON.stringify({ verdict, ...found })}\n` : inWords(verdict, found));
  }
  return states.includes('invalid') ? 1 : states.includes('expired') ? 3 : 0;
}

/** The newest trust document that follows from the first; one that has run out says nothing about today. */
function follow({ followTrust }, { trust, root: pinned }) {
  let newest = null;
  for (let version = 1; fs.existsSync(path.join(trust, `${version}.json`)); version += 1) {
    const envelope = JSON.parse(fs.readFileSync(path.join(trust, `${version}.json`), 'utf8'));
    newest = followTrust(newest, envelope, pinned ?? rootsNamedBy(envelope));
  }
  if (newest === null)
    throw new Error(`There is no trust document in ${trust}: name a folder of them (--trust), or a key (--key).`);
  if (Date.parse(newest.expires) <= Date.now())
    throw new Error(`The newest trust document in ${trust} expired at ${newest.expires}.`);
  return newest;
}

const rootsNamedBy = ({ payload }) =>
  JSON.parse(Buffer.from(payload, 'base64').toString('utf8')).roots.keys.map(({ keyId }) => keyId);

/** @returns what was read, or null for what is no JSON: then it is no verdict either */
async function read(place) {
  const text = /^https?:\/\//.test(place) ? await fetched(place) : fs.readFileSync(place, 'utf8');
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function fetched(address) {
  const response = await fetch(address, { signal: AbortSignal.timeout(30_000) });
  if (!response.ok) throw new Error(`${address} answered ${response.status}.`);
  return response.text();
}

/** A run of the API carries its verdict's envelope. */
const envelopeOf = (json) => (json !== null && typeof json === 'object' && 'envelope' in json ? json.envelope : json);

function inWords(verdict, { state, problems, says, files }) {
  const back = { true: 'yes', false: 'no', null: 'not tested' };
  return [
    `${verdict}: ${state}`,
    ...problems.map((problem) => `  ${problem}`),
    ...(says === null
      ? []
      : [
          `  ${says.verdict}: ${says.sentence}`,
          `  can be taken back: ${back[says.reversible]}; valid until ${says.validUntil}`,
        ]),
    ...files.map(({ name, is }) => `  ${name}: ${is}`),
    '',
  ].join('\n');
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
