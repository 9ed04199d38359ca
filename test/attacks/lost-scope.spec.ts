import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Services } from '../../apps/api/src/services.js';
import { organisation, TestApi } from '../integration/api.js';
import { tenantTables } from '../integration/tenant-tables.js';
import { ownedBy, providerOf } from './id-providers.js';
import { operationsOf, type OpenApi } from './openapi.js';

/** A stream that never ends, and what tells callers about themselves: out of their credential, or as the one member left. */
const LEFT_OUT = new Set(['/api/v1/live', '/api/v1/whoami', '/api/v1/members']);
const tenants = organisation.flatMap((msp) => msp.tenants.map((tenant) => ({ ...tenant, technician: msp.technician })));

/**
 * The worst mistake that our own code could make: the tenants of a transaction are forgotten. Then the database must
 * still show nothing.
 */
describe('an API that forgets whose data it may see', () => {
  let api: TestApi;
  let owner: pg.Client;
  /** Words that name a tenant or something of it. */
  let words: string[];

  beforeAll(async () => {
    api = await TestApi.start();
    owner = new pg.Client({ connectionString: api.database.ownerUrl });
    await owner.connect();
    await owner.query(`set session_replication_role = 'replica'`);
    const owned = [];
    for (const tenant of tenants) owned.push(await ownedBy(api, owner, tenant.id, tenant.technician));
    const tables = await tenantTables(owner);
    for (const one of owned)
      for (const { name, leadingColumns } of tables)
        await one.rowOf(name, leadingColumns.includes('id') ? 'id' : 'tenant_id');
    words = owned.flatMap((one) => [one.tenantId, one.deviceId, `machine of ${one.tenantId}`]);
    words.push(...tenants.map((tenant) => tenant.name));
  });
  afterAll(async () => {
    await owner.end();
    await api.stop();
  });

  it('has rows of two tenants of two MSPs in every table', async () => {
    for (const { name } of await tenantTables(owner)) {
      const { rows } = await owner.query<{ n: number }>(
        `select count(distinct tenant_id)::int as n from ${name} where tenant_id = any ($1::uuid[])`,
        [tenants.map((tenant) => tenant.id)],
      );
      expect(rows[0]?.n, name).toBe(tenants.length);
    }
  });

  it('answers every GET route without a word of any tenant', async () => {
    const { database } = api.app.get(Services);
    const operations = operationsOf((await (await api.get('/api/openapi.json')).json()) as OpenApi).filter(
      ({ method, path }) => method === 'GET' && !LEFT_OUT.has(path),
    );
    expect(operations.length).toBeGreaterThan(10);
    const cookies = await Promise.all(
      [tenants[0]?.technician, tenants[0]?.owner, tenants[2]?.owner].map((email) => api.signIn(email ?? '')),
    );
    const walk = async (): Promise<string> => {
      const answers: string[] = [];
      for (const { path, parameters } of operations) {
        for (const cookie of cookies) {
          let url = path;
          for (const { name, value, in: where } of parameters) {
            if (where !== 'path') continue;
            const provider = providerOf(`GET ${path} ${name}`);
            const own = {
              tenantId: words[0] ?? '',
              deviceId: words[1] ?? '',
              rowOf: () => Promise.resolve(words[0] ?? ''),
              tested: () => Promise.resolve(value),
            };
            const id = provider !== undefined && 'of' in provider ? await provider.of(own) : value;
            url = url.replace(`{${name}}`, encodeURIComponent(id));
          }
          const response = await api.get(url, { cookie });
          const headers = JSON.stringify([...response.headers]);
          answers.push(`${await response.text()} ${headers}`.replaceAll(url, ''));
        }
      }
      return answers.join('\n');
    };
    // First as it should be: the words are there to be found.
    const whole = await walk();
    expect(words.filter((word) => whole.includes(word)).length).toBeGreaterThan(3);

    const transaction = database.transaction.bind(database);
    database.transaction = (_scope, work) => transaction({ kind: 'shared' }, work);
    try {
      const forgotten = await walk();
      // Who is signed in is told to themselves: a tenant's owner has the tenant's name in these tests.
      const aboutOthers = forgotten.replaceAll(/"member":\{[^}]*\}/g, '');
      const leaked = words.filter((word) => aboutOthers.includes(word));
      expect(leaked).toEqual([]);
    } finally {
      database.transaction = transaction;
    }
  });
});
