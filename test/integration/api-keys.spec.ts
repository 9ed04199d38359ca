import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiKeys } from '@vouch/identity';
import { forTenants, idOf, sha256Hex, shared } from '@vouch/platform';
import type { ApiKey, Problem, Whoami } from '@vouch/contracts';
import { msp, otherMsp, RestFixture, tenants } from './rest-fixture.js';

let rest: RestFixture;
beforeAll(async () => {
  rest = await RestFixture.start();
});
afterAll(() => rest.stop());

const get = (route: string, headers: Record<string, string>): Promise<Response> =>
  rest.api.get(`/api/v1${route}`, headers);
const owner = (): Promise<Record<string, string>> => rest.person(msp.technician);
const remove = (route: string, headers: Record<string, string>): Promise<Response> =>
  fetch(`${rest.api.url}/api/v1${route}`, { method: 'DELETE', headers });
const onDatabase = (sql: string, values: unknown[]): Promise<unknown[]> =>
  rest.api.database.platform.transaction(shared, (tx) => tx.query(sql, values));

describe('an API key', () => {
  it('does what it was made for and nothing else', async () => {
    const { headers } = await rest.key(msp.technician, ['device:read']);
    expect((await get('/devices', headers)).status).toBe(200);
    expect((await get('/tenants', headers)).status).toBe(403);
    const me = (await (await get('/whoami', headers)).json()) as Whoami;
    expect(me).toMatchObject({ kind: 'api-key', name: 'test', role: 'technician', actions: ['device:read'] });
  });

  it('needs no CSRF header; a cookie does; both at once are refused', async () => {
    const { headers } = await rest.key(msp.technician, ['enrolment-token:create']);
    const body = { tenantId: tenants.one.id, ring: 0 };
    expect((await rest.api.post('/api/v1/enrolment-tokens', body, headers)).status).toBe(201);
    const { cookie = '' } = await owner();
    expect((await rest.api.post('/api/v1/enrolment-tokens', body, { cookie })).status).toBe(403);
    const both = await get('/devices', { ...headers, cookie });
    expect([both.status, ((await both.json()) as Problem).code]).toEqual([400, 'credentials-ambiguous']);
  });

  it('sees only the tenants that it was made for', async () => {
    const { headers } = await rest.key(msp.technician, ['tenant:read', 'device:read'], { tenantIds: [tenants.two.id] });
    const list = async (route: string): Promise<string[]> =>
      ((await (await get(route, headers)).json()) as { items: { id: string }[] }).items.map(({ id }) => id);
    expect(await list('/tenants')).toEqual([tenants.two.id]);
    expect(await list('/devices')).toEqual([]);
    expect((await get(`/devices/${rest.deviceId}`, headers)).status).toBe(404);
  });

  it('for some tenants does nothing for the whole MSP, also when it was made before that was refused', async () => {
    const wide = ['device:read', 'webhook:read', 'webhook:manage', 'api-key:read', 'api-key:revoke'].concat([
      'hold:read',
      'hold:manage',
      'policy:read',
      'member:read',
      'tenant:create',
    ]);
    const { id, headers } = await rest.key(msp.technician, wide);
    expect((await get('/webhook-endpoints', headers)).status).toBe(200);
    await onDatabase('update identity_api_key set reach = $2 where id = $1', [id, [tenants.two.id]]);
    const me = (await (await get('/whoami', headers)).json()) as Whoami;
    expect(me.actions).toEqual(['device:read']);
    for (const route of ['/webhook-endpoints', '/api-keys', '/holds', '/policies', '/members'])
      expect((await get(route, headers)).status, route).toBe(403);
    expect((await remove(`/api-keys/${id}`, headers)).status).toBe(403);
    expect((await rest.api.post('/api/v1/tenants', { name: 'More' }, headers)).status).toBe(403);
  });

  it('of one tenant’s owner manages that tenant’s webhooks, also when it was made for just that tenant', async () => {
    const { headers } = await rest.key(tenants.one.owner, ['webhook:read'], { tenantIds: [tenants.one.id] });
    expect((await get('/webhook-endpoints', headers)).status).toBe(200);
  });

  it('is shown once and kept as SHA-256', async () => {
    const { id, key, headers } = await rest.key(msp.technician, ['device:read']);
    expect(key).toMatch(/^vk_[\w-]{43}$/);
    const [row] = await onDatabase('select * from identity_api_key where id = $1', [id]);
    expect(row).toMatchObject({ secret_sha256: sha256Hex(key) });
    expect(JSON.stringify(row)).not.toContain(key);
    const listed = await (await get('/api-keys', await owner())).text();
    expect(listed).not.toContain(key);
    expect(listed).toContain(key.slice(0, 8));
    expect((await get('/api-keys', headers)).status).toBe(403);
  });

  it.each([
    ['more than its maker', { actions: ['portal:open'] }],
    ['a higher role', { actions: ['device:read'], role: 'msp-owner' }],
    ['tenants of others', { actions: ['device:read'], tenantIds: [tenants.foreign.id] }],
    ['the webhooks of all for some tenants', { actions: ['webhook:manage'], tenantIds: [tenants.two.id] }],
    ['the keys of all for some tenants', { actions: ['api-key:read'], tenantIds: [tenants.two.id] }],
    ['holds for all for some tenants', { actions: ['hold:manage'], tenantIds: [tenants.one.id, tenants.two.id] }],
    ['what does not exist', { actions: ['device:destroy'] }],
  ])('cannot be given %s', async (_what, wish) => {
    const answer = await rest.api.post('/api/v1/api-keys', { name: 'x', expiresInDays: 1, ...wish }, await owner());
    expect([answer.status, ((await answer.json()) as Problem).code]).toEqual([422, 'api-key-refused']);
  });

  it.each([
    ['never expire', { expiresInDays: 366 }],
    ['have no action', { actions: [] }],
    ['be somebody else’s', { maker: idOf(tenants.one.owner) }],
  ])('cannot %s', async (_what, wish) => {
    const body = { name: 'x', expiresInDays: 1, actions: ['device:read'], ...wish };
    expect((await rest.api.post('/api/v1/api-keys', body, await owner())).status).toBe(400);
  });

  it('makes no keys, whatever it was made for', async () => {
    const made = await rest.api.post(
      '/api/v1/api-keys',
      { name: 'x', expiresInDays: 1, actions: ['api-key:create'] },
      await owner(),
    );
    if (made.status === 422) return;
    const { key } = (await made.json()) as { key: string };
    const body = { name: 'y', expiresInDays: 1, actions: ['api-key:create'] };
    expect((await rest.api.post('/api/v1/api-keys', body, { authorization: `Bearer ${key}` })).status).toBe(422);
  });

  it('ends when it is revoked, has expired, or its maker is gone', async () => {
    const revoked = await rest.key(msp.technician, ['device:read']);
    expect((await remove(`/api-keys/${revoked.id}`, await owner())).status).toBe(204);
    expect((await get('/devices', revoked.headers)).status).toBe(401);
    expect((await remove(`/api-keys/${revoked.id}`, await owner())).status).toBe(404);

    const old = await rest.key(msp.technician, ['device:read']);
    await onDatabase(`update identity_api_key set expires_at = now() - interval '1 second' where id = $1`, [old.id]);
    expect((await get('/devices', old.headers)).status).toBe(401);

    const orphan = await rest.key(msp.technician, ['device:read']);
    const maker = idOf(msp.technician);
    await onDatabase('update identity_member set removed_at = now() where id = $1', [maker]);
    const answer = await get('/devices', orphan.headers);
    await onDatabase('update identity_member set removed_at = null where id = $1', [maker]);
    expect(answer.status).toBe(401);
  });

  it('shrinks when its maker’s role does', async () => {
    const { headers, id } = await rest.key(tenants.one.owner, ['device:read', 'webhook:read']);
    expect((await get('/devices', headers)).status).toBe(200);
    await onDatabase(`update identity_member set role = 'tenant-viewer' where id = $1`, [idOf(tenants.one.owner)]);
    const me = (await (await get('/whoami', headers)).json()) as Whoami;
    await onDatabase(`update identity_member set role = 'tenant-owner' where id = $1`, [idOf(tenants.one.owner)]);
    expect(me).toMatchObject({ id, role: 'tenant-viewer', actions: ['device:read'] });
  });

  it('belongs to its MSP or tenant: others neither see nor revoke it', async () => {
    const own = await rest.key(msp.technician, ['device:read']);
    for (const who of [otherMsp.technician, tenants.one.owner]) {
      const headers = await rest.person(who);
      const seen = (await (await get('/api-keys', headers)).json()) as { items: ApiKey[] };
      expect(
        seen.items.map(({ id }) => id),
        who,
      ).not.toContain(own.id);
      expect((await remove(`/api-keys/${own.id}`, headers)).status, who).toBe(404);
    }
    const naked = await rest.api.database.app.read(forTenants(tenants.one.id), 'select 1 from identity_api_key');
    expect(naked).toEqual([]);
  });

  it('is not taken in any other shape', async () => {
    const { key } = await rest.key(msp.technician, ['device:read']);
    for (const authorization of [
      key,
      `bearer ${key}`,
      `Basic ${key}`,
      `Bearer ${key}x`,
      `Bearer ${key.slice(0, -1)}`,
      'Bearer vk_',
    ])
      expect((await get('/devices', { authorization })).status, authorization).toBe(401);
  });

  it('notes its uses for many requests at once', async () => {
    const { key, id } = await rest.key(msp.technician, ['device:read']);
    const times = [new Date('2026-01-01T00:00:00Z'), new Date('2026-01-02T00:00:00Z')];
    const keys = new ApiKeys(rest.api.database.app, () => times[0] ?? new Date());
    await keys.find(key, { correlationId: 'x', from: { address: '', userAgent: '' } });
    const lastUse = async (): Promise<unknown> =>
      (
        (await onDatabase('select last_used_at from identity_api_key where id = $1', [id])) as {
          last_used_at: unknown;
        }[]
      )[0]?.last_used_at;
    expect(await lastUse()).toBeNull();
    times.shift();
    await keys.find(key, { correlationId: 'x', from: { address: '', userAgent: '' } });
    await keys.close();
    expect(await lastUse()).toEqual(new Date('2026-01-02T00:00:00Z'));
  });
});
