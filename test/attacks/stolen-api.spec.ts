import { generateKeyPairSync, createSign } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { MANIFEST_PAYLOAD_TYPE } from '@vouch/contracts';
import { FileKeyStore, keyIdOf, open, seal, STATEMENT_PAYLOAD_TYPE, type Signer } from '@vouch/evidence';
import { settings, shared } from '@vouch/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiSettings } from '../../apps/api/src/settings.js';
import { workerSettings } from '../../apps/worker/src/settings.js';
import { environmentOf } from '../../infra/local/environments.mjs';
import { TestApi } from '../integration/api.js';

/** Every setting with a value of its own, and what a developer's shell may hold besides. */
const everything: Record<string, string> = {
  ...Object.fromEntries(Object.keys(settings).map((name) => [name, `value of ${name}`])),
  PATH: '/usr/bin',
  AWS_SECRET_ACCESS_KEY: 'of somebody else',
  VOUCH_STRIPE_STAND_IN_SECRET_KEY: 'of the stand-in',
};

/** A key that a thief makes. */
function ownKey(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const sign = async (bytes: Uint8Array): Promise<Buffer> => createSign('sha256').update(bytes).sign(privateKey);
  return { publicKeyPem, keyId: keyIdOf(publicKeyPem), sign };
}

describe('a stolen API process cannot sign', () => {
  let api: TestApi;
  let keys: FileKeyStore;
  let pinned: string[];
  beforeAll(async () => {
    api = await TestApi.start();
    keys = new FileKeyStore(path.join(api.dataDir, 'keys'));
    pinned = [];
    for (const name of ['verdict', 'manifest', 'audit']) pinned.push((await keys.create(name)).publicKeyPem);
  });
  afterAll(() => api.stop());
  const refused = (text: string, values: unknown[] = []) =>
    expect(api.database.app.read(shared, text, values), text).rejects.toThrow('permission denied');

  it('with its environment: it is told its own settings, and none of the owner, the platform, the lab or the demo', async () => {
    const told = await environmentOf('api', everything);
    expect(Object.keys(told).sort()).toEqual(['PATH', ...apiSettings].sort());
    for (const name of ['DATABASE_URL', 'VOUCH_DATABASE_PLATFORM_URL', 'VOUCH_LAB_TOKEN', 'VOUCH_DEMO_PASSWORD'])
      expect(told).not.toHaveProperty(name);
  });

  it.each([
    ['worker', ['DATABASE_URL', 'VOUCH_DATABASE_APP_URL', 'VOUCH_LAB_TOKEN', 'VOUCH_DEMO_PASSWORD']],
    [
      'lab-runner',
      [
        'DATABASE_URL',
        'VOUCH_DATABASE_APP_URL',
        'VOUCH_DATABASE_PLATFORM_URL',
        'STRIPE_SECRET_KEY',
        'VOUCH_DEMO_PASSWORD',
      ],
    ],
    [
      'demo',
      ['DATABASE_URL', 'VOUCH_DATABASE_APP_URL', 'VOUCH_DATABASE_PLATFORM_URL', 'STRIPE_SECRET_KEY', 'VOUCH_LAB_TOKEN'],
    ],
    ['stripe-stand-in', ['DATABASE_URL', 'VOUCH_DATABASE_APP_URL', 'VOUCH_DATABASE_PLATFORM_URL', 'STRIPE_SECRET_KEY']],
  ])('nor does %s know what is not its own', async (name, secrets) => {
    const told = await environmentOf(name, everything);
    for (const secret of [...secrets, 'AWS_SECRET_ACCESS_KEY']) expect(told).not.toHaveProperty(secret);
    expect(Object.keys(told).length).toBeGreaterThan(1);
    expect(workerSettings).not.toContain('DATABASE_URL');
  });

  it('with its role: it can store no statement, manifest, approval, policy or checkpoint, signed or not', async () => {
    const thief = ownKey();
    const statement = JSON.stringify(await seal(STATEMENT_PAYLOAD_TYPE, Buffer.from('{}'), thief));
    const manifest = JSON.stringify(await seal(MANIFEST_PAYLOAD_TYPE, Buffer.from('{}'), thief));
    await refused('update lab_verdict set envelope = $1, result = $2', [statement, 'pass']);
    await refused('insert into lab_verdict (id, envelope) values (gen_random_uuid(), $1)', [statement]);
    await refused('update approval_channel set envelope = $1, version = version + 1', [manifest]);
    await refused(`update approval_approval set state = 'active'`);
    await refused(`update approval_policy set rules = '{}'`);
    await refused(`update approval_decision set outcome = 'approved'`);
    await refused(`update approval_order set until = now() + interval '99 years', why = ''`);
    await refused('delete from approval_order');
    await refused(
      `insert into approval_policy_version (policy_id, version, rules, changed_at, changed_by, why) select id, 9, '{}', now(), '', '' from approval_policy`,
    );
    await refused(`insert into platform_audit_checkpoint (seq, at, envelope) values (1, now(), $1)`, [manifest]);
    await refused('set role vouch_platform');
    await refused('alter role vouch_app superuser');
    await refused(`copy lab_verdict to program 'cat'`);
    await refused(`select pg_read_file('/etc/passwd')`);
  });

  it('with a key of its own: nothing that it seals opens with the keys that devices and verifiers pin', async () => {
    const forged = await seal(MANIFEST_PAYLOAD_TYPE, Buffer.from('{}'), ownKey());
    expect(() => open(forged, MANIFEST_PAYLOAD_TYPE, pinned)).toThrow('No trusted key');
    const real = await keys.open('manifest');
    expect(
      open(await seal(MANIFEST_PAYLOAD_TYPE, Buffer.from('{}'), real), MANIFEST_PAYLOAD_TYPE, pinned),
    ).toBeDefined();
  });

  it('with its files: it opens no key, the folders that it opens hold none, and keys are closed to other users', () => {
    const source = (folder: string): string[] =>
      fs
        .readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
        .map((name) => fs.readFileSync(path.join(folder, name), 'utf8'));
    const api_ = source(path.resolve(import.meta.dirname, '../../apps/api/src')).join('\n');
    const opened = [...api_.matchAll(/VOUCH_DATA_DIR, '([\w-/]+)'/g)].map(([, folder]) => folder);
    expect(opened).toContain('public-keys/trust');
    expect(opened.filter((folder) => /^keys\b/.test(folder ?? ''))).toEqual([]);
    expect(api_).not.toMatch(/openFileSigner|OpenPgpSigner|PRIVATE KEY/);
    const folder = path.join(api.dataDir, 'keys');
    expect(fs.readdirSync(folder)).toEqual(expect.arrayContaining(['verdict.pem', 'manifest.pem', 'audit.pem']));
    for (const name of fs.readdirSync(folder)) expect(fs.statSync(path.join(folder, name)).mode & 0o077, name).toBe(0);
    const documents = path.join(api.dataDir, 'public-keys/trust');
    expect(fs.readdirSync(documents).length).toBeGreaterThan(0);
    for (const name of fs.readdirSync(documents))
      expect(fs.readFileSync(path.join(documents, name), 'utf8'), name).not.toContain('PRIVATE');
  });
});
