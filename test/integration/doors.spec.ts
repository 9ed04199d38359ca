import fs from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex, shared } from '@vouch/platform';
import { Services } from '../../apps/api/src/services.js';
import { fingerprint, LAB_TOKEN, METRICS_TOKEN, organisation, PASSWORD, TestApi, TestDevice } from './api.js';
import { announce, getRaw } from './raw-http.js';

interface Problem {
  status: number;
  code: string;
  detail: string;
  correlationId: string;
}
const problem = async (response: Response): Promise<Problem> => {
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const body = (await response.json()) as Problem;
  expect(body.status).toBe(response.status);
  expect(body.correlationId).toMatch(/\S/);
  expect(JSON.stringify(body)).not.toContain('node_modules');
  return body;
};

const [north, south] = organisation;
const [one, two] = north?.tenants ?? [];
if (!north || !south || !one || !two) throw new Error('The organisation of the tests is not whole.');

describe('the doors of the API', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await TestApi.start();
  });
  afterAll(() => api.stop());

  describe('enrolment', () => {
    it('takes a token once; the second device gets a clear refusal and is not stored', async () => {
      const token = await api.enrolmentToken(one.id, north.technician);
      expect((await new TestDevice(api).enrol(token)).status).toBe(200);
      const refused = await problem(await new TestDevice(api).enrol(token, 'second'));
      expect(refused).toMatchObject({ status: 403, code: 'enrolment-refused' });
      expect(refused.detail).toContain('used before');
      expect(await api.database.platform.read(shared, `select 1 from fleet_device where name = 'second'`)).toEqual([]);
    });

    it('takes a token once even when ten devices come at the same moment', async () => {
      const token = await api.enrolmentToken(one.id, north.technician);
      const answers = await Promise.all(Array.from({ length: 10 }, () => new TestDevice(api).enrol(token, 'race')));
      expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
      expect(await api.database.platform.read(shared, `select 1 from fleet_device where name = 'race'`)).toHaveLength(
        1,
      );
    });

    it.each([
      ['of no tenant', `ve_${'0'.repeat(32)}_${'A'.repeat(43)}`],
      ['that is none', 'x'.repeat(50)],
    ])('refuses a token %s', async (_what, token) => {
      expect((await problem(await new TestDevice(api).enrol(token))).code).toBe('enrolment-refused');
    });

    it('refuses an expired token', async () => {
      const token = await api.enrolmentToken(one.id, north.technician);
      await api.database.platform.transaction(shared, (tx) =>
        tx.query(`update fleet_enrolment_token set expires_at = now() - interval '1 second' where used_at is null`),
      );
      expect((await problem(await new TestDevice(api).enrol(token))).code).toBe('enrolment-refused');
    });
  });

  describe('a device', () => {
    let device: TestDevice;
    beforeAll(async () => {
      device = new TestDevice(api);
      await device.enrol(await api.enrolmentToken(one.id, north.technician));
    });

    it('is believed when its own key signed', async () => {
      expect((await device.send('PUT', '/device/v1/fingerprint', fingerprint())).status).toBe(204);
    });

    it('is not believed with another key, an old time, a changed body, or under another tenant', async () => {
      const route = '/device/v1/fingerprint';
      const body = JSON.stringify(fingerprint());
      const thief = new TestDevice(api);
      thief.identity = device.identity;
      const hourAgo = String(Math.floor(Date.now() / 1000) - 3600);
      const attempts = [
        thief.headers('PUT', route, body),
        device.headers('PUT', route, body, { timestamp: hourAgo }),
        device.headers('PUT', route, `${body} `),
        device.headers('GET', route, body),
        device.headers('PUT', route, body, { device: `${two.id}.${device.identity.deviceId}` }),
        { 'content-type': 'application/json' },
      ];
      for (const headers of attempts) {
        const answer = await problem(await device.send('PUT', route, fingerprint(), headers));
        expect(answer).toMatchObject({ status: 401, code: 'device-refused' });
      }
    });

    it('cannot have a request played again', async () => {
      const route = '/device/v1/fingerprint';
      const headers = device.headers('PUT', route, JSON.stringify(fingerprint()));
      expect((await device.send('PUT', route, fingerprint(), headers)).status).toBe(204);
      expect((await problem(await device.send('PUT', route, fingerprint(), headers))).code).toBe('device-refused');
    });

    it('cannot report on a patch that it was never offered', async () => {
      const report = {
        revisionId: '00000000-0000-4000-8000-000000000000',
        channelVersion: 1,
        result: 'installed',
        healthy: true,
        probes: [],
        detail: '',
        installed: [],
      };
      expect((await problem(await device.send('POST', '/device/v1/outcomes', report))).code).toBe(
        'outcome-not-offered',
      );
    });

    it('that was revoked is refused, needs nothing any more, and stays with its tenant’s history', async () => {
      const stolen = new TestDevice(api);
      await stolen.enrol(await api.enrolmentToken(one.id, north.technician), 'stolen');
      const id = stolen.identity.deviceId;
      const report = () => stolen.send('PUT', '/device/v1/fingerprint', fingerprint());
      expect((await report()).status).toBe(204);
      const revoke = async (email: string): Promise<number> => {
        const headers = { cookie: await api.signIn(email), 'x-vouch-csrf': '1' };
        return (await fetch(`${api.url}/api/v1/devices/${id}`, { method: 'DELETE', headers })).status;
      };
      expect([await revoke(south.technician), await revoke(north.reader), await revoke(one.owner)]).toEqual([
        404, 403, 403,
      ]);
      expect((await report()).status).toBe(204);
      expect([await revoke(north.technician), await revoke(north.technician)]).toEqual([204, 404]);
      expect(await problem(await report())).toMatchObject({ status: 401, code: 'device-refused' });
      const { cookie } = { cookie: await api.signIn(north.technician) };
      const seen = (await (await api.get(`/api/v1/devices/${id}`, { cookie })).json()) as { revokedAt: string | null };
      expect(seen.revokedAt).not.toBeNull();
      const read = (sql: string) => api.database.platform.read(shared, sql, [id]);
      expect(
        await read(`select actor like 'member:%' as by_member, from_address <> '' as has_from, tenant_id is not null as of_tenant
          from platform_audit where action = 'device.revoke' and subject = 'device:' || $1`),
      ).toEqual([{ by_member: true, has_from: true, of_tenant: true }]);
      expect(
        await read(
          `select 1 from platform_outbox where topic = 'fleet.device-revoked' and payload ->> 'deviceId' = $1`,
        ),
      ).toHaveLength(1);
    });

    it('has no manifest before it has a channel', async () => {
      const headers = device.headers('GET', '/device/v1/manifest', '');
      expect((await problem(await api.get('/device/v1/manifest', headers))).status).toBe(404);
    });
  });

  describe('people', () => {
    it('get the same answer for a wrong password as for an unknown address', async () => {
      const wrong = await problem(await api.post('/api/v1/session', { email: north.technician, password: 'not it' }));
      const unknown = await problem(
        await api.post('/api/v1/session', { email: 'nobody@north.example', password: PASSWORD }),
      );
      expect([wrong.status, wrong.code, wrong.detail]).toEqual([unknown.status, unknown.code, unknown.detail]);
      expect(wrong.status).toBe(401);
    });

    it('need a session, and for changes the header that other sites cannot send', async () => {
      expect((await problem(await api.get('/api/v1/overview'))).status).toBe(401);
      const cookie = await api.signIn(north.technician);
      const answer = await problem(
        await api.post('/api/v1/enrolment-tokens', { tenantId: one.id, ring: 0 }, { cookie }),
      );
      expect(answer.code).toBe('csrf-header-missing');
    });

    it('may only do what their role allows', async () => {
      const headers = { cookie: await api.signIn(one.owner), 'x-vouch-csrf': '1' };
      expect(
        (await problem(await api.post('/api/v1/enrolment-tokens', { tenantId: one.id, ring: 0 }, headers))).code,
      ).toBe('access-denied');
      expect((await problem(await api.post('/api/v1/statements', { period: 'x' }, headers))).code).toBe(
        'access-denied',
      );
    });

    it('see their own customers, and of others not even that they exist', async () => {
      const names = async (email: string): Promise<string[]> => {
        const response = await api.get('/api/v1/overview', { cookie: await api.signIn(email) });
        return ((await response.json()) as { tenants: { name: string }[] }).tenants.map((tenant) => tenant.name);
      };
      expect(await names(north.technician)).toEqual(['north one', 'north two']);
      expect(await names(one.owner)).toEqual(['north one']);
      const headers = { cookie: await api.signIn(south.technician), 'x-vouch-csrf': '1' };
      const other = await problem(await api.post('/api/v1/enrolment-tokens', { tenantId: one.id, ring: 0 }, headers));
      const none = await problem(
        await api.post(
          '/api/v1/enrolment-tokens',
          { tenantId: '00000000-0000-4000-8000-000000000000', ring: 0 },
          headers,
        ),
      );
      expect([other.status, other.detail]).toEqual([none.status, none.detail]);
    });

    it('are signed out for good', async () => {
      const cookie = await api.signIn(one.owner);
      await fetch(`${api.url}/api/v1/session`, { method: 'DELETE', headers: { cookie, 'x-vouch-csrf': '1' } });
      expect((await api.get('/api/v1/session', { cookie })).status).toBe(401);
    });
  });

  describe('a lab-runner', () => {
    const headers = { authorization: `Bearer ${LAB_TOKEN}` };

    it('needs its credential, and says hello before anything else', async () => {
      expect((await problem(await api.post('/lab/v1/hello', {}, { authorization: 'Bearer wrong' }))).status).toBe(401);
      expect((await problem(await api.post('/lab/v1/runs/claim', {}, headers))).status).toBe(404);
      const hello = { name: 'lab', drivers: [], unavailable: 'This machine refuses user namespaces.' };
      expect((await api.post('/lab/v1/hello', hello, headers)).status).toBe(200);
      const overview = await api.get('/api/v1/overview', { cookie: await api.signIn(north.technician) });
      const { problems } = (await overview.json()) as { problems: string[] };
      expect(problems).toContain('Lab "lab": This machine refuses user namespaces.');
    });

    it('cannot hand in evidence while it tests nothing, and not a byte of it is kept', async () => {
      const bytes = 'proof of nothing';
      const put = (authorization: string): Promise<Response> =>
        fetch(`${api.url}/lab/v1/evidence/${sha256Hex(bytes)}`, {
          method: 'PUT',
          body: bytes,
          headers: { authorization, 'content-type': 'application/octet-stream' },
        });
      expect((await problem(await put(headers.authorization))).code).toBe('lease-lost');
      expect((await problem(await put('Bearer wrong'))).code).toBe('sign-in-needed');
      expect(await api.app.get(Services).evidence.has(sha256Hex(bytes))).toBe(false);
    });

    it('gets nowhere else with its credential', async () => {
      expect((await api.get('/api/v1/overview', headers)).status).toBe(401);
      expect((await api.get('/device/v1/manifest', headers)).status).toBe(401);
    });
  });

  describe('a machine that announces much', () => {
    const GIB = 1024 ** 3;
    const evidence = `/lab/v1/evidence/${'a'.repeat(64)}`;
    const runner = { authorization: `Bearer ${LAB_TOKEN}` };

    it.each([
      ['evidence, of nobody', 'PUT', evidence, GIB, {}, 401],
      ['evidence, with a wrong credential', 'PUT', evidence, 1024, { authorization: 'Bearer wrong' }, 401],
      ['evidence, of a runner that tests nothing', 'PUT', evidence, 1024, runner, 409],
      ['a report, of nobody', 'POST', '/lab/v1/runs/claim', GIB, {}, 401],
      ['more than is ever taken, of a runner', 'POST', '/lab/v1/hello', GIB, runner, 413],
      ['a fingerprint, of nobody', 'PUT', '/device/v1/fingerprint', GIB, {}, 401],
      ['an outcome, of nobody', 'POST', '/device/v1/outcomes', 1024, {}, 401],
      ['an enrolment', 'POST', '/device/v1/enrol', GIB, {}, 413],
    ])('%s: is refused before it sends a byte, and hung up on', async (_what, method, route, length, given, status) => {
      const answer = await announce(api.url, method, route, { ...given, 'content-length': String(length) });
      expect(answer).toEqual({
        status,
        type: 'application/problem+json; charset=utf-8',
        connection: 'close',
        toldToGoOn: false,
      });
    });

    it('is believed by its signature before it sends a byte, and held to the digest that it signed', async () => {
      const device = new TestDevice(api);
      await device.enrol(await api.enrolmentToken(one.id, north.technician), 'announces');
      const route = '/device/v1/fingerprint';
      const signed = (length: number): Record<string, string> => ({
        ...device.headers('PUT', route, 'what was signed'),
        'content-length': String(length),
      });
      expect(await announce(api.url, 'PUT', route, signed(1024))).toMatchObject({ toldToGoOn: true });
      expect(await announce(api.url, 'PUT', route, signed(GIB))).toMatchObject({ status: 413, toldToGoOn: false });
      const withoutDigest = device.headers('PUT', route, 'what was signed');
      delete withoutDigest['x-vouch-content-sha256'];
      const refused = await announce(api.url, 'PUT', route, { ...withoutDigest, 'content-length': '1024' });
      expect(refused).toMatchObject({ status: 401, toldToGoOn: false });
      const other = await device.send('PUT', route, fingerprint(), device.headers('PUT', route, 'what was signed'));
      expect((await problem(other)).code).toBe('device-refused');
    });
  });

  it('unpacks no body, so that a bomb stays as small as it came', async () => {
    const bomb = Buffer.alloc(1024 * 1024, '[');
    for (const [encoding, packed] of [
      ['gzip', gzipSync(bomb)],
      ['deflate', deflateSync(bomb)],
      ['br', brotliCompressSync(bomb)],
      ['gzip, identity', gzipSync(bomb)],
    ] as const) {
      const headers = { 'content-type': 'application/json', 'content-encoding': encoding };
      const answer = await problem(
        await fetch(`${api.url}/api/v1/session`, { method: 'POST', headers, body: new Uint8Array(packed) }),
      );
      expect([answer.status, answer.code], encoding).toEqual([415, 'encoding-refused']);
    }
  });

  describe('a path that climbs', () => {
    const SECRET = 'nobody may read this';
    const channel = '00000000-0000-4000-8000-00000000c0de';
    beforeAll(() => {
      fs.mkdirSync(path.join(api.dataDir, 'channels', channel, 'dists'), { recursive: true });
      fs.writeFileSync(path.join(api.dataDir, 'channels', channel, 'dists', 'Release'), 'Origin: Vouch');
      for (const folder of ['', 'channels', 'evidence', 'artefacts', 'agent']) {
        fs.mkdirSync(path.join(api.dataDir, folder), { recursive: true });
        fs.writeFileSync(path.join(api.dataDir, folder, 'secret'), SECRET);
      }
      fs.symlinkSync(path.join(api.dataDir, 'secret'), path.join(api.dataDir, 'channels', channel, 'link'));
    });

    it('leads nowhere, in a channel, evidence, artefacts, the console and the documentation', async () => {
      expect(await getRaw(api.url, `/apt/${channel}/dists/Release`)).toMatchObject({ status: 200 });
      const cookie = await api.signIn(north.technician);
      const runner = { authorization: `Bearer ${LAB_TOKEN}` };
      const up = [
        '../',
        '..%2f',
        '%2e%2e/',
        '%2e%2e%2f',
        '..%5c',
        '..\\',
        '%252e%252e%252f',
        '..%c0%af',
        './/../',
        '....//',
      ];
      const files = up.flatMap((step) => [
        `${step}secret`,
        `${step.repeat(3)}secret`,
        `dists/${step.repeat(2)}secret`,
        `${step.repeat(9)}etc/passwd`,
      ]);
      files.push('link', '%2fetc%2fpasswd', '//etc/passwd', 'dists/Release%00.txt', '%00', `..%00/secret`, 'dists');
      for (const [root, headers] of [
        [`/apt/${channel}/`, {}],
        ['/apt/', {}],
        ['/api/v1/evidence/', { cookie }],
        ['/lab/v1/artefacts/', runner],
        ['/', {}],
        ['/assets/', {}],
        ['/api/docs/', {}],
      ] as const)
        for (const file of files) {
          const { status, body } = await getRaw(api.url, root + file, headers);
          expect([400, 403, 404], root + file).toContain(status);
          expect(body, root + file).not.toMatch(/nobody may read this|root:/);
        }
    });
  });

  it('an unsigned webhook changes nothing', async () => {
    const event = { id: 'evt_1', type: 'invoice.paid', data: { object: {} } };
    expect((await problem(await api.post('/webhooks/stripe', event, { 'stripe-signature': 't=1,v1=00' }))).code).toBe(
      'webhook-refused',
    );
    expect(await api.database.platform.read(shared, 'select 1 from billing_webhook_event')).toEqual([]);
  });

  it('wrong input is named, and answered without anything internal', async () => {
    const answer = await problem(await api.post('/api/v1/session', { email: 'no address', password: '' }));
    expect(answer.status).toBe(400);
    const broken = await fetch(`${api.url}/api/v1/session`, {
      method: 'POST',
      body: '{',
      headers: { 'content-type': 'application/json' },
    });
    expect((await problem(broken)).status).toBe(400);
  });

  it('says whether it lives and can serve, in figures too, and describes itself', async () => {
    expect(await (await api.get('/health/live')).json()).toEqual({ status: 'live' });
    expect(await (await api.get('/health/ready')).json()).toEqual({ status: 'ready', database: 'up' });
    expect((await api.get('/metrics')).status).toBe(404);
    expect((await api.get('/metrics', { authorization: `Bearer ${METRICS_TOKEN}x` })).status).toBe(404);
    const figures = await api.get('/metrics', { authorization: `Bearer ${METRICS_TOKEN}` });
    expect(await figures.text()).toContain('vouch_http_request_duration_seconds');
    const document = (await (await api.get('/api/openapi.json')).json()) as {
      openapi: string;
      paths: Record<string, unknown>;
    };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/api/v1/overview', '/device/v1/enrol', '/lab/v1/runs/claim']),
    );
    expect((await api.get('/api/docs')).status).toBe(200);
  });
});
