import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fingerprint, organisation, TestApi, TestDevice } from '../integration/api.js';
import { ownedBy, providerOf, type Owned } from './id-providers.js';
import { operationsOf, type OpenApi, type Operation } from './openapi.js';

const [north, south] = organisation;
const [a, sibling] = north?.tenants ?? [];
const [stranger] = south?.tenants ?? [];
if (!north || !south || !a || !sibling || !stranger) throw new Error('The organisation of the tests is not whole.');

/** Routes that a walk leaves out: two never end, and one would end the attacker's own session. */
const LEFT_OUT = new Set(['GET /api/v1/live', 'GET /api/v1/runs/{id}/output', 'DELETE /api/v1/session']);

/**
 * What a tenant sees of the half that all share, and why another tenant may move it: anonymous numbers only. No stage
 * runs in this test, so that not even these may move here.
 */
const OF_THE_SHARED_HALF = {
  sources: 'vendors are polled for all',
  goldens: 'lab environments are built for all that resemble them',
  runners: 'one laboratory tests for all',
  problems: 'what hinders the laboratory or a source hinders all',
};

/** Moments differ between two looks; nothing else may. */
const withoutTimes = (text: string): string =>
  text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/"correlationId":"[^"]*"/g, '')
    .replace(/"lastUsedAt":[^,}]*/g, '');

describe('two tenants', () => {
  let api: TestApi;
  let owner: pg.Client;
  let operations: Operation[];
  let cookieOfA: string;
  let deviceOfA: TestDevice;
  let watchers: { cookie: string; owned: Owned }[];

  beforeAll(async () => {
    api = await TestApi.start();
    owner = new pg.Client({ connectionString: api.database.ownerUrl });
    await owner.connect();
    await owner.query(`set session_replication_role = 'replica'`);
    operations = operationsOf((await (await api.get('/api/openapi.json')).json()) as OpenApi).filter(
      ({ method, path }) => !LEFT_OUT.has(`${method} ${path}`),
    );
    deviceOfA = new TestDevice(api);
    await deviceOfA.enrol(await api.enrolmentToken(a.id, north.technician));
    watchers = [];
    for (const [tenant, msp] of [
      [sibling, north],
      [stranger, south],
    ] as const) {
      const owned = await ownedBy(api, owner, tenant.id, msp.technician);
      await owned.rowOf('billing_statement', 'id');
      await owned.rowOf('platform_audit', 'hash');
      for (const table of [
        'webhook_endpoint',
        'webhook_delivery',
        'identity_api_key',
        'identity_invitation',
        'identity_passkey',
      ])
        await owned.rowOf(table, 'id');
      watchers.push({ cookie: await api.signIn(tenant.owner), owned });
    }
    cookieOfA = await api.signIn(a.owner);
  });
  afterAll(async () => {
    await owner.end();
    await api.stop();
  });

  /** Everything that a tenant's owner can read, and every row of the tenant in the database. */
  async function lookOf({ cookie, owned }: { cookie: string; owned: Owned }): Promise<Record<string, string>> {
    const seen: Record<string, string> = {};
    for (const { method, path, parameters } of operations) {
      if (method !== 'GET' || /^\/(health|metrics|lab|device)/.test(path)) continue;
      let url = path;
      for (const { name, value, in: where } of parameters) {
        if (where !== 'path') continue;
        const provider = providerOf(`GET ${path} ${name}`);
        const id = provider !== undefined && 'of' in provider ? await provider.of(owned) : value;
        url = url.replace(`{${name}}`, encodeURIComponent(id));
      }
      const response = await api.get(url, { cookie });
      seen[`GET ${path}`] = withoutTimes(`${response.status} ${await response.text()}`);
    }
    return seen;
  }

  const nasty = fc.oneof(
    fc.constantFrom('', '../..', "' or 1=1 --", '\u0000', '*', 'null', '-1', '%2e%2e%2f'),
    fc.uuid(),
    fc.string({ maxLength: 40 }),
  );
  /** One call: which route, as whom, with whose ids, and how malformed. */
  const call = fc.record({
    route: fc.nat(),
    as: fc.constantFrom('member', 'device', 'device-of-another', 'nobody'),
    ids: fc.constantFrom('sample', 'theirs', 'nasty'),
    victim: fc.nat(),
    text: nasty,
    body: fc.oneof(
      { weight: 3, arbitrary: fc.constant('sample' as const) },
      { weight: 2, arbitrary: fc.constant('theirs' as const) },
      { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
    ),
    broken: fc.boolean(),
  });
  type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

  async function make(step: Call): Promise<number> {
    const operation = operations[step.route % operations.length] as Operation;
    const { owned } = watchers[step.victim % watchers.length] as (typeof watchers)[number];
    let route = operation.path;
    for (const { name, value, in: where } of operation.parameters) {
      if (where !== 'path') continue;
      const provider = providerOf(`${operation.method} ${operation.path} ${name}`);
      const theirs = provider !== undefined && 'of' in provider ? await provider.of(owned) : value;
      const id = { sample: value, theirs, nasty: step.text }[step.ids];
      route = route.replace(`{${name}}`, encodeURIComponent(id));
    }
    const given =
      typeof step.body === 'string' && ['sample', 'theirs'].includes(step.body) ? operation.body : step.body;
    const whole = JSON.stringify(step.body === 'theirs' ? named(given, owned) : given);
    const text = operation.method === 'GET' || whole === undefined ? '' : step.broken ? whole.slice(0, -1) : whole;
    const asDevice = step.as === 'device' || step.as === 'device-of-another';
    const claimed = step.as === 'device-of-another' ? { device: `${owned.tenantId}.${owned.deviceId}` } : {};
    const headers: Record<string, string> = asDevice
      ? deviceOfA.headers(operation.method, route, text, claimed)
      : step.as === 'member'
        ? { cookie: cookieOfA, 'x-vouch-csrf': '1' }
        : {};
    const response = await fetch(api.url + route, {
      method: operation.method,
      headers: text === '' ? headers : { ...headers, 'content-type': 'application/json' },
      ...(text === '' || operation.method === 'GET' ? {} : { body: text }),
    });
    await response.arrayBuffer();
    return response.status;
  }

  /** The body with the other tenant's ids wherever it names a tenant or a device. */
  function named(body: unknown, owned: Owned): unknown {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
    const ids: Record<string, unknown> = {
      tenantId: owned.tenantId,
      tenantIds: [owned.tenantId],
      deviceId: owned.deviceId,
    };
    return Object.fromEntries(Object.entries(body).map(([name, value]) => [name, ids[name] ?? named(value, owned)]));
  }

  it('stay apart: whatever the members and the device of one do, the other sees nothing of it', async () => {
    const before = await Promise.all(watchers.map(lookOf));
    expect(Object.keys(before[0] ?? {})).toContain('GET /api/v1/overview');
    expect(Object.keys(JSON.parse(before[0]?.['GET /api/v1/overview']?.slice(4) ?? '{}') as object)).toEqual(
      expect.arrayContaining(Object.keys(OF_THE_SHARED_HALF)),
    );
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 12 }), async (calls) => {
        for (const step of calls) {
          const status = await make(step);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          expect(status).not.toBe(500);
        }
        // What the device may really do, it does in every sequence.
        const told = await deviceOfA.send(
          'PUT',
          '/device/v1/fingerprint',
          fingerprint([{ package: 'web', version: '1' }]),
        );
        expect(told.status).toBe(204);
        expect(await Promise.all(watchers.map(lookOf))).toEqual(before);
      }),
      { numRuns: 25 },
    );
    // The walk is no row of refusals only.
    expect([...statuses.keys()].filter((status) => status < 300).length).toBeGreaterThan(0);
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([400, 401, 404]));
  });

  it('would be seen to meet: a change of its own tenant shows in what a watcher sees', async () => {
    const [watcher] = watchers;
    if (!watcher) throw new Error('Nobody watches.');
    const before = await lookOf(watcher);
    await owner.query(`update fleet_device set name = 'renamed' where tenant_id = $1`, [watcher.owned.tenantId]);
    expect(await lookOf(watcher)).not.toEqual(before);
    await owner.query('update fleet_device set name = $2 where tenant_id = $1', [
      watcher.owned.tenantId,
      `machine of ${watcher.owned.tenantId}`,
    ]);
  });
});
