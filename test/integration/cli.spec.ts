import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditKeyGiven, openFileSigner, SignAuditHeadsStage } from '@vouch/evidence';
import { shared } from '@vouch/platform';
import { artefact, ids, msp, RestFixture, tenants } from './rest-fixture.js';

const root = path.resolve(import.meta.dirname, '../..');
const ACTIONS = [
  'tenant:read',
  'device:read',
  'patch:read',
  'evidence:read',
  'approval:read',
  'cost:read',
  'statement:read',
  'enrolment-token:create',
  'enrolment-token:read',
  'enrolment-token:revoke',
  'api-key:read',
  'webhook:read',
  'webhook:manage',
  'audit:read',
  'organisation-audit:read',
];

interface Result {
  code: number | null;
  out: string;
  err: string;
}

describe('the built vouch program', () => {
  let rest: RestFixture;
  let key: string;
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-cli-'));
  const file = path.join(home, 'keys/credentials.json');

  beforeAll(async () => {
    // What was built before may be older than the sources.
    execFileSync(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-b', 'apps/cli'], {
      cwd: root,
    });
    rest = await RestFixture.start({ VOUCH_ALLOW_PRIVATE_NETWORK: true });
    ({ key } = await rest.key(msp.technician, ACTIONS));
    expect((await vouch(['login', rest.api.url], { input: `${key}\n` })).out).toBe(
      'Signed in to north with the key "test".\n',
    );
  });
  afterAll(async () => {
    await rest.stop();
    fs.rmSync(home, { recursive: true });
  });

  function vouch(
    args: string[],
    { input = '', env = {} }: { input?: string; env?: Record<string, string> } = {},
  ): Promise<Result> {
    const child = spawn(process.execPath, [path.join(root, 'apps/cli/bin/vouch.js'), ...args], {
      env: { PATH: process.env['PATH'] ?? '', HOME: home, VOUCH_CREDENTIALS: file, ...env },
    });
    const result: Result = { code: null, out: '', err: '' };
    child.stdout.on('data', (part) => (result.out += String(part)));
    child.stderr.on('data', (part) => (result.err += String(part)));
    child.stdin.end(input);
    return new Promise((resolve) => child.once('close', (code) => resolve({ ...result, code })));
  }
  const json = async <T = { id: string }[]>(...args: string[]): Promise<T> => {
    const { code, out, err } = await vouch([...args, '--json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return JSON.parse(out) as T;
  };

  it('keeps the key where only its owner reads it, and refuses to use it otherwise', async () => {
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    fs.chmodSync(file, 0o644);
    const open = await vouch(['whoami']);
    fs.chmodSync(file, 0o600);
    expect(open).toEqual({ code: 2, out: '', err: `vouch: Others can read ${file}. Run: chmod 600 ${file}\n` });
  });

  it('does not keep a key that the server refuses', async () => {
    const other = path.join(home, 'other.json');
    const answer = await vouch(['login', rest.api.url, '--credentials', other], { input: `vk_${'A'.repeat(43)}` });
    expect(answer.code).toBe(3);
    expect(fs.existsSync(other)).toBe(false);
  });

  it('shows tables to people', async () => {
    const { code, out } = await vouch(['devices', '--tenant', tenants.one.name]);
    expect(code).toBe(0);
    expect(out.split('\n')[0]).toMatch(/^TENANT +NAME +RING +COHORT +LAST SEEN +ID$/);
    expect(out).toMatch(new RegExp(`^north one +shop +0 +web .*${rest.deviceId}$`, 'm'));
  });

  it.each<[string, string[], string]>([
    ['whoami', ['whoami'], 'technician'],
    ['tenants', ['tenants'], 'north two'],
    ['patches', ['patches', '--state', 'offered'], 'web'],
    ['runs', ['runs'], ids.run],
    ['verdict', ['verdict', ids.verdict], 'It passed.'],
    ['the verdict of a run', ['verdict', ids.run], 'It passed.'],
    ['costs', ['costs'], '€0.27'],
    ['statements', ['statements', '--period', '2026-01'], 'north one'],
    ['token list', ['token', 'list'], 'used'],
    ['keys', ['keys'], 'vk_'],
    ['webhooks', ['webhooks'], 'Events are sent nowhere.'],
  ])('shows %s', async (_what, args, expected) => {
    const { code, out, err } = await vouch(args);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(expected);
  });

  it('gives scripts all pages as JSON', async () => {
    await rest.api.database.platform.transaction(shared, (tx) =>
      tx.query(
        `insert into fleet_enrolment_token (tenant_id, token_sha256, ring, created_by, expires_at)
         select $1, 'many' || n, 0, 'member:x', now() + interval '1 day' from generate_series(1, 120) n`,
        [tenants.two.id],
      ),
    );
    const tokens = await json('token', 'list', '--tenant', tenants.two.name);
    expect(tokens).toHaveLength(120);
    expect(new Set(tokens.map(({ id }) => id)).size).toBe(120);
  });

  it('answers "is it approved?" with its exit code', async () => {
    const yes = await vouch(['check', artefact.sha256, '--device', 'shop']);
    expect(yes.code).toBe(0);
    expect(yes.out).toMatch(/^approved: web 2 is approved/);
    const deb = path.join(home, 'web.deb');
    fs.writeFileSync(deb, 'web 2');
    expect((await vouch(['check', deb, '--device', rest.deviceId])).code).toBe(0);
    fs.writeFileSync(deb, 'web 2, changed');
    const no = await vouch(['check', deb, '--device', 'shop']);
    expect([no.code, no.err]).toEqual([10, '']);
    expect(no.out).toMatch(/^NOT approved: /);
  });

  it('makes, lists and revokes tokens', async () => {
    const made = await json<{ id: string; token: string }>(
      'token',
      'create',
      '--tenant',
      tenants.one.name,
      '--ring',
      '2',
    );
    expect(made.token).toMatch(/^ve_/);
    expect((await vouch(['token', 'revoke', made.id])).code).toBe(0);
    const tokens = await json<{ id: string; state: string }[]>('token', 'list', '--tenant', tenants.one.id);
    expect(tokens.find(({ id }) => id === made.id)?.state).toBe('revoked');
  });

  it('manages webhooks', async () => {
    const url = 'http://127.0.0.1:9/hook';
    const { id, secret } = await json<{ id: string; secret: string }>(
      'webhooks',
      'add',
      url,
      '--events',
      'lab.verdict-issued',
    );
    expect(secret).toMatch(/^whsec_/);
    expect(await json('webhooks', 'disable', id)).toMatchObject({ state: 'disabled', reason: 'Disabled on request' });
    expect(await json('webhooks', 'enable', id)).toMatchObject({ state: 'enabled' });
    expect(await json('webhooks', 'rotate', id)).not.toMatchObject({ secret });
    expect(await json('webhooks', 'deliveries', id)).toEqual([]);
    expect(await json('webhooks', 'replay', id, '--since', '2026-01-01T00:00:00Z')).toEqual({ deliveries: 0 });
    expect((await vouch(['webhooks', 'remove', id])).code).toBe(0);
  });

  it.each<[string, string[], Record<string, string>, number, RegExp]>([
    ['an unknown command', ['devcies'], {}, 2, /unknown command 'devcies'[^]*Did you mean devices/],
    ['an unknown tenant', ['devices', '-t', 'nobody'], {}, 4, /^vouch: There is no tenant called "nobody"\.\n$/],
    ['an unknown verdict', ['verdict', ids.patch], {}, 4, /^vouch: There is no such verdict\.\n$/],
    ['an unreadable file', ['check', '/nowhere', '-d', 'shop'], {}, 2, /^vouch: \/nowhere cannot be read/],
    ['a key that ended', ['whoami'], { VOUCH_API_KEY: `vk_${'A'.repeat(43)}` }, 3, /^vouch: The API key is not valid/],
    [
      'a server that is away',
      ['whoami'],
      { VOUCH_URL: 'http://127.0.0.1:1' },
      5,
      /^vouch: http:\/\/127\.0\.0\.1:1 does not answer: .*\.\n$/,
    ],
    [
      'what its key may not',
      ['keys', 'revoke', ids.patch],
      {},
      3,
      /^vouch: Your role does not allow this\. The API key was not made for this\.\n$/,
    ],
  ])('says %s in a sentence, with its exit code', async (_what, args, env, code, err) => {
    const answer = await vouch(args, { env });
    expect({ code: answer.code, out: answer.out }).toEqual({ code, out: '' });
    expect(answer.err).toMatch(err);
  });

  it('lists the audit trail, exports it with the chain of the MSP, and finds a changed entry in it', async () => {
    const mine = JSON.parse((await vouch(['audit', 'list', '--action', 'api-key.create', '--json'])).out) as {
      subject: string;
      mspId: string | null;
    }[];
    expect(mine.map(({ subject, mspId }) => [subject.split(':')[0], mspId])).toContainEqual(['api-key', msp.id]);
    expect((await vouch(['audit', 'list', '--from', '2100-01-01T00:00:00Z'])).out).toBe(
      'Nothing of this kind was done.\n',
    );

    const signer = await openFileSigner(path.join(home, 'audit.pem'));
    const stage = new SignAuditHeadsStage(
      rest.api.database.platform,
      signer,
      [auditKeyGiven(signer.publicKeyPem)],
      () => new Date(),
      60,
      async () => undefined,
    );
    for (const chain of await stage.pending()) await stage.process(chain);
    const [trail, publicKey] = [path.join(home, 'audit.ndjson'), path.join(home, 'public.pem')];
    fs.writeFileSync(publicKey, signer.publicKeyPem);
    expect(await vouch(['audit', 'export', '--output', trail])).toMatchObject({ code: 0, err: '' });
    const whole = await vouch(['audit', 'verify', trail, '--key', publicKey]);
    expect(whole).toMatchObject({ code: 0, err: '' });
    expect(whole.out).toMatch(new RegExp(`Whole: (\\d+) entries of ${msp.id}, the first \\1 signed`));
    const changed = fs.readFileSync(trail, 'utf8').replace('"action":"api-key.create"', '"action":"api-key.revoke"');
    fs.writeFileSync(trail, changed);
    expect(await vouch(['audit', 'verify', trail, '--key', publicKey])).toMatchObject({
      code: 11,
      err: expect.stringContaining('is not as it was written') as string,
    });
  }, 120_000);

  it('explains itself', async () => {
    const { code, out } = await vouch(['--help']);
    expect(code).toBe(0);
    for (const text of ['check', 'token', 'Exit codes', 'Examples']) expect(out).toContain(text);
    expect(out).not.toContain('--api-key');
  });
});
