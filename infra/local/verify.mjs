// `npm run verify -- VERDICT... --key FILE [--file FILE]...`: checks signed verdicts without asking anybody.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build, root } from './prepare.mjs';

const USAGE = `usage: npm run verify -- VERDICT... [--key FILE]... [--file FILE]... [--json]

VERDICT  a file or an address with a signed verdict (a DSSE envelope, or a run with one)
--key    a public key (PEM) to believe; without one, the key of this installation
--file   a package or a piece of evidence that the verdict has to be about

Exit code: 0 all valid, 1 one is invalid, 2 wrong usage, 3 one has expired.
`;

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      key: { type: 'string', multiple: true },
      file: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
    },
  });
  if (positionals.length === 0) return usage();
  build(() => undefined);
  const { verifyVerdict } = await import('@vouch/evidence');
  const own = path.join(root, '.data/public-keys/verdict.pem');
  const keys = (values.key ?? [own]).map((file) => fs.readFileSync(file, 'utf8'));
  const files = values.file.map((file) => ({ name: path.basename(file), sha256: sha256(fs.readFileSync(file)) }));
  const states = [];
  for (const verdict of positionals) {
    const found = verifyVerdict(envelopeOf(await read(verdict)), keys, files, new Date());
    states.push(found.state);
    process.stdout.write(values.json ? `${JSON.stringify({ verdict, ...found })}\n` : inWords(verdict, found));
  }
  return states.includes('invalid') ? 1 : states.includes('expired') ? 3 : 0;
}

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

function usage() {
  process.stderr.write(USAGE);
  return 2;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error.message}\n${error.code?.startsWith('ERR_PARSE_ARGS') ? USAGE : ''}`);
  process.exitCode = 2;
}
