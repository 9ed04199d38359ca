import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { organisation, PASSWORD, TestApi } from '../integration/api.js';
import { startLeakyServer } from './leaky-server.js';
import { sqlmap, wapiti, type Target } from './scanners.js';
import { hasTools } from './tool.js';

const north = organisation[0];
const tenant = north?.tenants[0];
if (!north || !tenant) throw new Error('The organisation of the tests is not whole.');
const NOBODY = '00000000-0000-4000-8000-000000000000';

describe.skipIf(!hasTools('sqlmap', 'wapiti'))("other people's scanners", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-scan-'));
  let api: TestApi;
  let cookie: string;
  beforeAll(async () => {
    api = await TestApi.start({ VOUCH_PUBLIC_URL: 'https://vouch.example.org' });
    cookie = await api.signIn(north.technician);
  });
  afterAll(async () => {
    await api.stop();
    fs.rmSync(folder, { recursive: true });
  });

  it('find the holes of a server that has some', async () => {
    const leaky = await startLeakyServer(api.database.platform);
    try {
      expect((await sqlmap(folder, leaky.url, { line: 'GET /find?id=1*' })).join()).toContain('PostgreSQL');
      expect((await wapiti(folder, leaky.url, ['/find?id=1'])).join()).toContain('Cross Site Scripting');
    } finally {
      await leaky.close();
    }
  });

  const targets: [string, Target][] = [
    [
      'the e-mail address at sign-in',
      { line: 'POST /api/v1/session', body: { email: 'a@example.org*', password: PASSWORD } },
    ],
    [
      'the tenant of an enrolment token',
      { line: 'POST /api/v1/enrolment-tokens', body: { tenantId: `${tenant.id}*`, ring: 0 } },
    ],
    ['the id of a test run', { line: `GET /api/v1/runs/${NOBODY}*` }],
    ['what a list of the audit trail is to hold', { line: 'GET /api/v1/audit?action=enrolment-token.create*' }],
    ['the place in a list to go on from', { line: 'GET /api/v1/devices?cursor=WyJ4Il0.c2ln*' }],
    ['the address of evidence', { line: `GET /api/v1/evidence/${'a'.repeat(64)}*` }],
    ['the name of a file in a channel', { line: `GET /apt/${NOBODY}/dists/*` }],
    [
      'the name of a device at enrolment',
      { line: 'POST /device/v1/enrol', body: { token: 'x'.repeat(50), name: 'device*', publicKeyPem: 'x' } },
    ],
  ];
  it.each(targets)('sqlmap injects nothing through %s', async (_what, target) => {
    expect(await sqlmap(folder, api.url, target, { Cookie: cookie, 'X-Vouch-Csrf': '1' })).toEqual([]);
  });

  it('wapiti reports nothing about the console and its API', async () => {
    const pages = ['/', '/api/v1/overview', `/api/v1/runs/${NOBODY}?x=1`, '/apt/none/dists/x?x=1', '/health/ready?x=1'];
    // wapiti wants the filter of old browsers on; OWASP wants it off, since it is itself a hole.
    const wanted = ['HTTP Secure Headers: / X-XSS-Protection is not set'];
    expect(await wapiti(folder, api.url, pages, cookie)).toEqual(wanted);
  });
});
