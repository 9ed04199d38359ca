import { randomBytes } from 'node:crypto';
import net from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openApiDocument } from '../../apps/api/src/server.js';
import { LAB_TOKEN } from './api.js';
import { ids, msp, RestFixture, tenants } from './rest-fixture.js';

interface Described {
  readonly operationId: string;
  readonly parameters: readonly { name: string; in: string }[];
  readonly requestBody?: { readonly content: Record<string, { readonly example?: unknown }> };
}
const document = JSON.parse(JSON.stringify(openApiDocument())) as { paths: Record<string, Record<string, Described>> };
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
);
/** These hold the connection, or end the session that the storm goes on with. */
const SKIPPED = ['watch', 'labClaim', 'signOut'];

const HOSTILE_TEXTS = [
  '\u0000',
  'a\u0000b',
  '\ud800',
  "'; drop table identity_msp; --",
  '%00',
  '../../../../etc/passwd',
  '__proto__',
  'x'.repeat(5000),
  '１２３',
  '\u202e',
  '{}',
  'null',
  '-1',
  '1e999',
  '99999999999999999999',
  '0x10',
  'NaN',
];
const HOSTILE_VALUES: unknown[] = [
  null,
  true,
  [],
  {},
  [[]],
  -1,
  0.1,
  1e308,
  Number.MAX_SAFE_INTEGER + 2,
  '',
  ...HOSTILE_TEXTS,
  { toString: 'x', valueOf: 1, then: {} },
];
const RAW_BODIES: (string | Buffer)[] = [
  '',
  '{',
  'null',
  '[]',
  '"text"',
  '123',
  '{"a":1,"a":2}',
  '{"__proto__":{"x":1}}',
  '{"constructor":{"prototype":{"x":1}}}',
  `${'['.repeat(50_000)}`,
  `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`,
  Buffer.from([0xff, 0xfe, 0x00]),
  Buffer.from('{"a":"\xc3\x28"}', 'latin1'),
  '{"a":1e999999}',
  '\ufeff{}',
  `{"a":"${'x'.repeat(70_000)}"}`,
];

describe('a storm of malformed requests', () => {
  let rest: RestFixture;
  let people: Record<string, string>[];
  beforeAll(async () => {
    rest = await RestFixture.start();
    const { headers } = await rest.key(msp.technician, ['device:read', 'enrolment-token:create', 'webhook:manage']);
    people = [{ ...(await rest.person(msp.technician)) }, headers, { authorization: `Bearer ${LAB_TOKEN}` }];
  });
  afterAll(() => rest.stop());

  let trouble: string[] = [];
  beforeEach(() => void (trouble = []));
  async function shoot(what: string, method: string, path: string, init: RequestInit): Promise<void> {
    const answer = await fetch(rest.api.url + path, { ...init, method, signal: AbortSignal.timeout(20_000) });
    const text = await answer.text();
    const type = answer.headers.get('content-type') ?? '';
    if (answer.status >= 500) trouble.push(`${answer.status} ${method} ${path.slice(0, 120)} ${what}: ${text}`);
    if (answer.status >= 400 && !type.includes('application/problem+json'))
      trouble.push(`${type} ${method} ${path.slice(0, 120)} ${what}`);
  }

  const fill = (path: string, value: (name: string) => string): string =>
    path.replace(/\{(\w+)\}/g, (_match, name: string) => value(name));
  const known = (name: string): string =>
    name === 'sha256' ? '0'.repeat(64) : name === 'path' ? 'x' : name === 'id' ? tenants.one.id : ids.channel;
  const targets = operations.filter(({ operationId }) => !SKIPPED.includes(operationId));

  it('in paths and queries breaks nothing', async () => {
    for (const { method, path, parameters } of targets) {
      for (const [index, text] of HOSTILE_TEXTS.entries()) {
        const safe = encodeURIComponent(text.replace('\ud800', '\ufffd'));
        const headers = people[index % people.length] ?? {};
        if (path.includes('{'))
          await shoot(
            'path',
            method,
            fill(path, () => safe),
            { headers },
          );
        const query = parameters.filter(({ in: place }) => place === 'query');
        if (method === 'GET' && query.length > 0)
          await shoot('query', method, `${fill(path, known)}?${query.map(({ name }) => `${name}=${safe}`).join('&')}`, {
            headers,
          });
      }
    }
    expect(trouble).toEqual([]);
  });

  it('in bodies breaks nothing', async () => {
    // Each field gets every third value, each its own third: a value meets dozens of fields, a kind of field every value.
    let field = 0;
    for (const { method, path, requestBody } of targets.filter(({ method: each }) => each !== 'GET')) {
      const example = (requestBody?.content['application/json']?.example ?? {}) as Record<string, unknown>;
      const url = fill(path, known);
      const headers = {
        ...people[path.startsWith('/lab') ? 2 : 0],
        'content-type': 'application/json',
        'if-match': '"v1"',
      };
      for (const body of RAW_BODIES) await shoot('raw body', method, url, { headers, body });
      if (typeof example !== 'object') continue;
      for (const name of Object.keys(example)) {
        field += 1;
        for (const value of HOSTILE_VALUES.filter((_value, index) => (index + field) % 3 === 0))
          await shoot(`${name}=${JSON.stringify(value).slice(0, 40)}`, method, url, {
            headers,
            body: JSON.stringify({ ...example, [name]: value }),
          });
      }
      await shoot('more than asked for', method, url, {
        headers,
        body: JSON.stringify({ ...example, tenant_id: 1, isAdmin: true }),
      });
    }
    expect(trouble).toEqual([]);
  }, 300_000);

  it('in headers breaks nothing', async () => {
    const values = [
      'x'.repeat(8000),
      '"',
      'W/',
      '*',
      '%00',
      'Bearer',
      'Bearer vk_',
      'vouch_session=%00',
      '\u00ff',
      '-1',
      '9'.repeat(400),
    ];
    for (const value of values) {
      for (const name of [
        'authorization',
        'cookie',
        'if-none-match',
        'if-match',
        'idempotency-key',
        'content-type',
        'x-correlation-id',
      ])
        await shoot(name, name === 'idempotency-key' ? 'DELETE' : 'GET', `/api/v1/webhook-endpoints/${ids.channel}`, {
          headers: { ...people[0], [name]: value },
        });
      for (const name of ['x-vouch-device', 'x-vouch-timestamp', 'x-vouch-nonce', 'x-vouch-signature'])
        await shoot(name, 'GET', '/device/v1/manifest', {
          headers: {
            ...rest.device.headers('GET', '/device/v1/manifest', ''),
            [name]: value,
          },
        });
    }
    await shoot('stripe', 'POST', '/webhooks/stripe', { headers: { 'stripe-signature': 't=1,v1=x' }, body: '{}' });
    expect(trouble).toEqual([]);
  });

  it('on the wire breaks nothing: the server goes on answering', async () => {
    const port = Number(new URL(rest.api.url).port);
    const raws = [
      'GET /%c0%ae HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET /api/v1/devices/%zz HTTP/1.1\r\nHost: x\r\n\r\n',
      `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      'BREW /api/v1/devices HTTP/1.1\r\nHost: x\r\n\r\n',
      'POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: -1\r\n\r\n',
      'POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc',
      'GET / HTTP/9.9\r\n\r\n',
      randomBytes(500).toString('latin1'),
    ];
    for (const raw of raws) {
      const answer = await new Promise<string>((resolve) => {
        const socket = net.connect(port, '127.0.0.1', () => socket.write(raw, 'latin1'));
        let text = '';
        socket.setTimeout(300, () => socket.destroy());
        socket.on('data', (part) => (text += String(part)));
        socket.on('error', () => undefined);
        socket.on('close', () => resolve(text));
      });
      expect(answer.split('\r\n')[0], raw.slice(0, 60)).not.toMatch(/ 5\d\d /);
    }
    expect((await rest.api.get('/health/ready')).status).toBe(200);
  });

  it('tells what is wrong with a body', async () => {
    const send = async (body: string | Buffer): Promise<{ status: number; detail: string }> => {
      const headers = { ...people[0], 'content-type': 'application/json' };
      return (
        await fetch(`${rest.api.url}/api/v1/enrolment-tokens`, { method: 'POST', headers, body })
      ).json() as never;
    };
    expect(await send('['.repeat(40))).toMatchObject({
      status: 400,
      detail: 'The body is nested deeper than 32 levels.',
    });
    expect(await send(`{"a":"${'x'.repeat(70_000)}"}`)).toMatchObject({ status: 413 });
    expect(await send(JSON.stringify({ tenantId: tenants.one.id, ring: 0, createdBy: 'me' }))).toMatchObject({
      status: 400,
      detail: expect.stringContaining('createdBy') as string,
    });
  });
});
