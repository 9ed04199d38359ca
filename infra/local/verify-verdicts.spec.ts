import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { TRUST_PAYLOAD_TYPE } from '@vouch/contracts';
import {
  firstTrust,
  keyIdOf,
  renewed,
  revoked,
  seal,
  STATEMENT_PAYLOAD_TYPE,
  trustBytes,
  verdictStatement,
  type Signer,
} from '@vouch/evidence';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { verifyVerdicts } from './verify-verdicts.mjs';

const key = (): Signer => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return { publicKeyPem, keyId: keyIdOf(publicKeyPem), sign: async (bytes) => sign('sha256', bytes, privateKey) };
};
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);
const statement = (issued: Date, expires: Date): Buffer =>
  verdictStatement({
    result: 'pass',
    sentence: 'It works.',
    reasons: [],
    covered: [],
    notCovered: [],
    reversible: true,
    cautions: [],
    patch: { source: 's', externalId: 'web', version: '2', revisionId: 'r', metadataSha256: sha256('index') },
    tested: [
      {
        package: 'web',
        version: '2',
        architecture: 'amd64',
        fileName: 'web.deb',
        sizeBytes: 1,
        sha256: sha256('bytes'),
      },
    ],
    lab: {
      driver: 'sandbox',
      fidelity: 'full',
      goldenDigest: sha256('golden'),
      profile: 'web',
      planDigest: sha256('plan'),
    },
    steps: [],
    repeats: [],
    evidence: [{ name: 'apply.log', sha256: sha256('log') }],
    runId: 'run',
    startedAt: issued.toISOString(),
    finishedAt: issued.toISOString(),
    issuedAt: issued.toISOString(),
    expiresAt: expires.toISOString(),
  });

describe('npm run verify', () => {
  const [root, verdictKey, other] = [key(), key(), key()];
  let folder: string;
  const at = (name: string): string => path.join(folder, name);
  const write = (name: string, content: string): void => {
    fs.mkdirSync(path.dirname(at(name)), { recursive: true });
    fs.writeFileSync(at(name), content);
  };
  const run = async (...args: string[]): Promise<{ code: number; out: string; err: string }> => {
    let [out, err] = ['', ''];
    const code = await verifyVerdicts(args, { out: (text) => (out += text), err: (text) => (err += text) });
    return { code, out, err };
  };

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-verify-'));
    const [now, old] = [inDays(-1), inDays(-40)];
    const keep = async (name: string, bytes: Buffer, signer: Signer): Promise<void> =>
      write(name, JSON.stringify(await seal(STATEMENT_PAYLOAD_TYPE, bytes, signer)));
    await keep('verdict.json', statement(now, inDays(29)), verdictKey);
    await keep('old.json', statement(old, inDays(-10)), verdictKey);
    await keep('strange.json', statement(now, inDays(29)), other);
    write(
      'run.json',
      JSON.stringify({ id: 'run', envelope: JSON.parse(fs.readFileSync(at('verdict.json'), 'utf8')) as object }),
    );
    write('key.pem', verdictKey.publicKeyPem);
    write('web.deb', 'bytes');
    write('apply.log', 'log');
    write('other.deb', 'other bytes');
    write('no.json', 'this is no JSON');
    const valid = { now: inDays(-50), validDays: 400 };
    const keys = { manifest: other, verdict: verdictKey, audit: other } as never;
    const first = firstTrust([root], 1, keys, '', valid);
    const trust = async (name: string, ...documents: (typeof first)[]): Promise<void> => {
      for (const document of documents)
        write(
          `${name}/${document.version}.json`,
          JSON.stringify(await seal(TRUST_PAYLOAD_TYPE, trustBytes(document), root)),
        );
    };
    await trust('trust', first, renewed(first, valid));
    await trust('revoked', first, revoked(first, verdictKey.keyId, valid));
    await trust('ended', firstTrust([root], 1, keys, '', { now: inDays(-50), validDays: 20 }));
  });
  afterAll(() => fs.rmSync(folder, { recursive: true }));
  afterEach(() => vi.restoreAllMocks());

  it.each<[string, string[], number, RegExp]>([
    ['what a trusted key signed', ['verdict.json', '--trust', 'trust'], 0, /valid\n {2}pass: It works/],
    ['the same, as a run of the API carries it', ['run.json', '--trust', 'trust'], 0, /valid/],
    ['the same, under a pinned root', ['verdict.json', '--trust', 'trust', '--root', root.keyId], 0, /valid/],
    ['the same, by a key in hand', ['verdict.json', '--key', 'key.pem'], 0, /valid/],
    [
      'its files',
      ['verdict.json', '--key', 'key.pem', '--file', 'web.deb', '--file', 'apply.log'],
      0,
      /web.deb: tested\n.*evidence/,
    ],
    ['other bytes', ['verdict.json', '--key', 'key.pem', '--file', 'other.deb'], 1, /says nothing about other.deb/],
    ['what a stranger signed', ['strange.json', '--trust', 'trust'], 1, /invalid/],
    ['what a revoked key signed', ['verdict.json', '--trust', 'revoked'], 1, /revoked/],
    ['what is no verdict', ['no.json', '--key', 'key.pem'], 1, /no DSSE envelope/],
    ['a verdict that has expired', ['old.json', '--trust', 'trust'], 3, /expired/],
    [
      'one invalid among others',
      ['old.json', 'strange.json', 'verdict.json', '--key', 'key.pem'],
      1,
      /old.json: expired/,
    ],
  ])('ends %s with its own code', async (_what, args, code, says) => {
    const ask = vi.spyOn(globalThis, 'fetch');
    const places = args.map((arg) => (fs.existsSync(at(arg)) ? at(arg) : arg));
    const { code: ended, out, err } = await run(...places);
    expect([ended, err]).toEqual([code, '']);
    expect(out).toMatch(says);
    expect(ask).not.toHaveBeenCalled();
  });

  it.each<[string, string[], RegExp]>([
    ['no verdict is named', [], /^usage:/],
    ['an option is not known', ['verdict.json', '--nonsense'], /nonsense[^]*usage:/],
    ['a file is not there', ['absent.json', '--key', 'key.pem'], /ENOENT/],
    ['there is nothing to trust', ['verdict.json', '--trust', 'absent'], /no trust document/],
    ['the trust documents have ended', ['verdict.json', '--trust', 'ended'], /expired at/],
    ['the root is another than was pinned', ['verdict.json', '--trust', 'trust', '--root', other.keyId], /root/],
  ])('ends with 2 when %s', async (_when, args, says) => {
    const { code, out, err } = await run(
      ...args.map((arg) => (arg.startsWith('-') || arg === other.keyId ? arg : at(arg))),
    );
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(says);
  });

  it('says all of it as JSON, one line for each verdict', async () => {
    const { out } = await run(at('verdict.json'), at('old.json'), '--key', at('key.pem'), '--json');
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { state: string });
    expect(lines.map(({ state }) => state)).toEqual(['valid', 'expired']);
  });

  it('passes its exit code on', () => {
    const { status, stderr } = spawnSync(process.execPath, [path.join(import.meta.dirname, 'verify.mjs')], {
      encoding: 'utf8',
    });
    expect([status, stderr.split(' ')[0]]).toEqual([2, 'usage:']);
  });
});
