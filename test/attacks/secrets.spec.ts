import { createLogger } from '@vouch/platform';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAB_TOKEN, organisation, PASSWORD, TestApi, TestDevice, fingerprint } from '../integration/api.js';

const north = organisation[0];
const tenant = north?.tenants[0];
if (!north || !tenant) throw new Error('The organisation of the tests is not whole.');

/** Takes away what the next requests need, so that they end in our own failures. */
async function breakDatabase(ownerUrl: string): Promise<void> {
  const owner = new pg.Client({ connectionString: ownerUrl });
  await owner.connect();
  await owner.query('alter table identity_session rename to gone; alter table lab_runner rename to gone_too');
  await owner.end();
}

describe('secrets are never logged', () => {
  const lines: string[] = [];
  const answers: string[] = [];
  const secrets = new Map<string, string>([
    ['password', PASSWORD],
    ['credential of the lab-runner', LAB_TOKEN],
    ['key of the payment provider', 'sk_test_tests'],
    ['secret of its webhooks', 'whsec_tests'],
  ]);
  let api: TestApi;

  const hear = async (response: Promise<Response>): Promise<string> => {
    const text = await (await response).text();
    answers.push(text);
    return text;
  };

  beforeAll(async () => {
    api = await TestApi.start({}, createLogger('test', 'trace', { write: (line) => void lines.push(line) }));
    const cookie = await api.signIn(north.technician);
    secrets.set('session', cookie.split('=')[1] ?? '');
    const asMember = { cookie, 'x-vouch-csrf': '1' };
    const asRunner = { authorization: `Bearer ${LAB_TOKEN}` };
    const token = await api.enrolmentToken(tenant.id, north.technician);
    secrets.set('enrolment token', token);
    const device = new TestDevice(api);
    await device.enrol(token);
    await hear(device.send('PUT', '/device/v1/fingerprint', fingerprint()));
    const boss = { cookie: await api.signIn(north.boss), 'x-vouch-csrf': '1' };
    const wish = { name: 'k', actions: ['device:read'], expiresInDays: 1 };
    const made = (await (await api.post('/api/v1/api-keys', wish, asMember)).json()) as { key: string };
    secrets.set('API key', made.key);
    const asKey = { authorization: `Bearer ${made.key}` };
    await hear(api.get('/api/v1/devices', asKey));
    await hear(api.get('/api/v1/tenants', asKey));
    await hear(api.get('/api/v1/devices', { ...asKey, cookie }));
    const codes = (await (await api.post('/api/v1/account/codes', {}, boss)).json()) as { secret: string };
    secrets.set('secret of an authenticator app', codes.secret);
    await hear(api.post('/api/v1/account/codes/confirm', { code: codes.secret }, boss));
    const provider = { issuer: 'https://127.0.0.1:9', clientId: 'x', clientSecret: 'a client secret of the tests' };
    secrets.set('client secret of single sign-on', provider.clientSecret);
    const configure = (body: object): Promise<Response> =>
      fetch(`${api.url}/api/v1/single-sign-on`, {
        method: 'PUT',
        body: JSON.stringify(body),
        headers: { ...boss, 'content-type': 'application/json' },
      });
    await hear(configure({ ...provider, required: false }));
    await hear(configure({ ...provider, required: provider.clientSecret }));
    // Whatever goes wrong is where secrets get out: wrong fields, wrong types, malformed bodies, lost databases.
    await hear(api.post('/api/v1/session', { email: north.technician, password: `${PASSWORD}x` }));
    await hear(api.post('/api/v1/session', { email: { password: PASSWORD }, password: [PASSWORD] }));
    await hear(
      fetch(`${api.url}/api/v1/session`, {
        method: 'POST',
        body: `{"password":"${PASSWORD}`,
        headers: { 'content-type': 'application/json' },
      }),
    );
    await hear(new TestDevice(api).enrol(token));
    await hear(api.post('/device/v1/enrol', { token, name: 1, publicKeyPem: '' }));
    await hear(api.post('/lab/v1/hello', { token: LAB_TOKEN }, asRunner));
    await hear(api.post('/lab/v1/runs/claim', {}, asRunner));
    await hear(
      api.post('/webhooks/stripe', { whsec_tests: 'sk_test_tests' }, { 'stripe-signature': 't=1,v1=whsec_tests' }),
    );
    await hear(api.get(`/api/v1/runs/${encodeURIComponent(cookie)}`, asMember));
    await breakDatabase(api.database.ownerUrl);
    await hear(api.post('/api/v1/session', { email: north.technician, password: PASSWORD }));
    await hear(api.get('/api/v1/overview', asMember));
    await hear(api.post('/lab/v1/hello', { name: 'x', drivers: [] }, asRunner));
  });
  afterAll(() => api.stop());

  it('though every request was logged, and the failures with their causes', () => {
    expect(lines.length).toBeGreaterThan(15);
    expect(lines.filter((line) => line.includes('"request failed"')).length).toBeGreaterThanOrEqual(2);
  });

  it('not in the logs, and not in answers that nobody asked them of', () => {
    const told = [...lines, ...answers].join('\n');
    const leaked = [...secrets].filter(([, secret]) => told.includes(secret)).map(([what]) => what);
    expect([...secrets.values()].every((secret) => secret.length > 10)).toBe(true);
    expect(leaked).toEqual([]);
  });
});
