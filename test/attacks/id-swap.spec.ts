import { randomBytes, randomUUID } from 'node:crypto';
import { concernsAllTenants, keyActionsOf, registerMember, type Role } from '@vouch/identity';
import { idOf, shared } from '@vouch/platform';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { organisation, PASSWORD, TestApi } from '../integration/api.js';
import { idPlaces, type IdPlace } from './id-places.js';
import { ownedBy, providerOf, type Owned } from './id-providers.js';
import type { OpenApi } from './openapi.js';

const [north, south] = organisation;
const [one, two] = north?.tenants ?? [];
const [third] = south?.tenants ?? [];
if (!north || !south || !one || !two || !third) throw new Error('The organisation of the tests is not whole.');

const VIEWER = 'viewer@one.north.example';
/** Headers that say nothing about the thing that was asked for: time, number of the request, what is left of a limit. */
const OF_THE_REQUEST = /^(date|x-correlation-id|(x-)?ratelimit.*|retry-after|keep-alive|connection)$/;

interface Attacker {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly own: Owned;
  readonly victims: readonly Owned[];
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Record<string, string>;
  readonly statements: readonly string[];
}

let api: TestApi;
let owner: pg.Client;
let attackers: Attacker[];
let places: IdPlace[];
const heard: string[] = [];

const query = pg.Client.prototype.query;

beforeAll(async () => {
  api = await TestApi.start();
  owner = new pg.Client({ connectionString: api.database.ownerUrl });
  await owner.connect();
  await owner.query(`set session_replication_role = 'replica'`);
  await api.database.platform.transaction(shared, (tx) =>
    registerMember(tx, {
      id: idOf(VIEWER),
      mspId: north.id,
      tenantId: one.id,
      email: VIEWER,
      name: 'Viewer',
      role: 'tenant-viewer',
      password: PASSWORD,
    }),
  );
  const owned = (tenant: { id: string }, msp: { technician: string }) => ownedBy(api, owner, tenant.id, msp.technician);
  const [first, second, other] = [await owned(one, north), await owned(two, north), await owned(third, south)];
  attackers = [
    { name: 'MSP owner', headers: await member(north.boss), own: first, victims: [other] },
    { name: 'technician', headers: await member(north.technician), own: first, victims: [other] },
    { name: 'MSP reader', headers: await member(north.reader), own: first, victims: [other] },
    { name: 'tenant owner', headers: await member(one.owner), own: first, victims: [second, other] },
    { name: 'tenant viewer', headers: await member(VIEWER), own: first, victims: [second, other] },
    { name: 'key of an MSP', headers: await key(north.boss, 'msp-owner'), own: first, victims: [other] },
    { name: 'key for a tenant', headers: await key(north.boss, 'msp-owner', one), own: first, victims: [second] },
    { name: "tenant's key", headers: await key(one.owner, 'tenant-owner'), own: first, victims: [second] },
  ];
  places = idPlaces((await (await api.get('/api/openapi.json')).json()) as OpenApi);
  pg.Client.prototype.query = function (this: pg.Client, ...all: unknown[]) {
    const [given] = all as [string | { text: string }];
    heard.push(typeof given === 'string' ? given : given.text);
    return (query as (...values: unknown[]) => unknown).apply(this, all);
  } as typeof query;
});
afterAll(async () => {
  pg.Client.prototype.query = query;
  await owner.end();
  await api.stop();
});

const member = async (email: string): Promise<Record<string, string>> => ({
  cookie: await api.signIn(email),
  'x-vouch-csrf': '1',
});

/** An API key that may do all that one of its maker's can. */
async function key(email: string, role: Role, tenant?: { id: string }): Promise<Record<string, string>> {
  const actions = keyActionsOf({ role, actions: null }).filter(
    (action) => !tenant || !concernsAllTenants(role, action),
  );
  const wish = { name: 'key', actions, expiresInDays: 1, ...(tenant && { tenantIds: [tenant.id] }) };
  const answer = await api.post('/api/v1/api-keys', wish, await member(email));
  if (answer.status !== 201) throw new Error(await answer.text());
  return { authorization: `Bearer ${((await answer.json()) as { key: string }).key}` };
}

const unknownLike = (id: string): string =>
  /^[0-9a-f]{64}$/.test(id) ? randomBytes(32).toString('hex') : id.includes('-') ? randomUUID() : '999999999';

/** Asks with one id in its place; every other id of the request is the attacker's own. */
async function ask(attacker: Attacker, place: IdPlace, id: string): Promise<Answer> {
  const { operation } = place;
  let url = operation.path;
  const search = new URLSearchParams();
  for (const parameter of operation.parameters) {
    const at = { ...place, in: parameter.in, name: parameter.name };
    const value = parameter.name === place.name && parameter.in === place.in ? id : await ownId(attacker, at);
    if (parameter.in === 'path') url = url.replace(`{${parameter.name}}`, encodeURIComponent(value ?? parameter.value));
    // What a query may leave out is left out, so that only the swapped id decides.
    if (parameter.in === 'query' && parameter.name === place.name) search.set(parameter.name, id);
  }
  const body = place.in === 'body' ? withField(operation.body, place.name.split('.'), id) : operation.body;
  heard.length = 0;
  const response = await fetch(`${api.url}${url}${search.size === 0 ? '' : `?${search}`}`, {
    method: operation.method,
    headers: {
      ...attacker.headers,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: withoutRequest(text, id),
    headers: Object.fromEntries([...response.headers].filter(([name]) => !OF_THE_REQUEST.test(name))),
    statements: [...heard],
  };
}

async function ownId(
  attacker: Attacker,
  at: { operation: IdPlace['operation']; name: string },
): Promise<string | undefined> {
  const provider = providerOf(`${at.operation.method} ${at.operation.path} ${at.name}`);
  return provider !== undefined && 'of' in provider ? provider.of(attacker.own) : undefined;
}

function withField(body: unknown, [name = '', ...rest]: readonly string[], id: string): unknown {
  const fields = body as Record<string, unknown>;
  const before = fields[name];
  return { ...fields, [name]: rest.length > 0 ? withField(before, rest, id) : Array.isArray(before) ? [id] : id };
}

/** The body without the number of the request, and without the id when the answer only repeats what was asked. */
function withoutRequest(text: string, id: string): unknown {
  const body = text.replaceAll(id, '<id>').replace(/"correlationId":"[^"]*"/, '"correlationId":""');
  return body.startsWith('{') ? JSON.parse(body) : body;
}

describe('ids of others', () => {
  it('are known for every route: each place of an id says whose it is', () => {
    expect(places.map(({ key }) => key)).toEqual(
      expect.arrayContaining(['GET /api/v1/audit cursor', 'POST /api/v1/enrolment-tokens tenantId']),
    );
    const unknown = [...new Set(places.filter(({ key }) => providerOf(key) === undefined).map(({ key }) => key))];
    expect(unknown, 'add a line to ID_PROVIDERS in test/attacks/id-providers.ts for each: whose id is it?').toEqual([]);
  });

  it('answer exactly as ids that exist nowhere: status, body, headers, and the work that was done', async () => {
    const tried: string[] = [];
    for (const place of places) {
      const provider = providerOf(place.key);
      if (provider === undefined || 'shared' in provider) continue;
      for (const attacker of attackers) {
        const first = await ask(attacker, place, unknownLike(await provider.of(attacker.own)));
        // Who may not ask at all is refused before any id is read: role-matrix.spec.ts.
        if (first.status === 403 && JSON.stringify(first.body).includes('access-denied')) continue;
        for (const victim of attacker.victims) {
          const foreign = await provider.of(victim);
          const what = `${attacker.name}: ${place.key} (${place.in})`;
          let [theirs, nobodys] = [
            await ask(attacker, place, foreign),
            await ask(attacker, place, unknownLike(foreign)),
          ];
          // A timer of the server may have spoken in between: then both are asked again.
          for (let again = 0; again < 2 && theirs.statements.join() !== nobodys.statements.join(); again += 1)
            [theirs, nobodys] = [await ask(attacker, place, foreign), await ask(attacker, place, unknownLike(foreign))];
          expect(theirs, what).toEqual(nobodys);
          expect(theirs.statements.length, `${what}: the session is looked up`).toBeGreaterThan(0);
          // A filter may answer with an empty list; whatever is named by its path is not there.
          if (place.in === 'path') expect([404, 403], what).toContain(theirs.status);
          expect(JSON.stringify(theirs.body), what).not.toContain(victim.tenantId);
          expect(JSON.stringify(theirs.body), what).not.toContain(victim.deviceId);
          tried.push(`${theirs.status} ${what}`);
        }
      }
    }
    for (const { name } of attackers)
      expect(tried.filter((line) => line.startsWith(`404 ${name}:`)).length, name).toBeGreaterThan(3);
  });

  it("would be noticed if they were let in: one's own id answers otherwise", async () => {
    const [boss] = attackers;
    const place = places.find(({ key }) => key === 'POST /api/v1/enrolment-tokens tenantId');
    if (!boss || !place) throw new Error('There is no route that takes a tenant.');
    expect((await ask(boss, place, one.id)).status).toBe(201);
  });

  it('would be noticed for patches and tests, too: what a machine of one’s own needs is there', async () => {
    const [boss] = attackers;
    const own = boss?.own;
    if (!own) throw new Error('There is no MSP owner.');
    for (const [key, what, status] of [
      ['GET /api/v1/patches/{id} id', 'revision', 200],
      ['GET /api/v1/runs/{id} id', 'run', 200],
      ['GET /api/v1/verdicts/{id} id', 'verdict', 200],
      ['GET /api/v1/evidence/{sha256} sha256', 'evidence', 200],
      ['POST /api/v1/holds revisionId', 'revision', 201],
    ] as const) {
      const place = places.find((each) => each.key === key);
      if (!place) throw new Error(`There is no ${key}.`);
      expect((await ask(boss, place, await own.tested(what))).status, key).toBe(status);
    }
  });
});
