import path from 'node:path';
import type { AuditLink, AuditPage } from '@vouch/contracts';
import { auditKeyGiven, openFileSigner, SignAuditHeadsStage, verifyAuditExport } from '@vouch/evidence';
import { audit, forTenants, idOf, shared, type Tx } from '@vouch/platform';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditTrail } from '../../apps/api/src/audit/audit-trail.query.js';
import { organisation, TestApi } from './api.js';

const [north, south] = organisation;
const [one] = north?.tenants ?? [];
const [third] = south?.tenants ?? [];
if (!north || !south || !one || !third) throw new Error('The organisation of the tests is not whole.');

let api: TestApi;
let owner: pg.Client;
let publicKeyPem: string;

const write = (tenantId: string | null): Promise<void> =>
  api.database.platform.transaction(shared, async (tx) =>
    audit(tx, { tenantId, at: new Date(), actor: 'platform', action: 'test.write', subject: 'thing:1', why: 'a test' }),
  );

beforeAll(async () => {
  api = await TestApi.start();
  owner = new pg.Client({ connectionString: api.database.ownerUrl });
  await owner.connect();
  for (const tenant of [null, one.id, third.id, one.id, one.id, one.id]) await write(tenant);
  const signer = await openFileSigner(path.join(api.dataDir, 'keys/audit.pem'));
  publicKeyPem = signer.publicKeyPem;
  const keys = [auditKeyGiven(publicKeyPem)];
  const stage = new SignAuditHeadsStage(
    api.database.platform,
    signer,
    keys,
    () => new Date(),
    60,
    async () => undefined,
  );
  for (const chain of await stage.pending()) await stage.process(chain);
});
afterAll(async () => {
  await owner.end();
  await api.stop();
});

describe('who reads the trail', () => {
  it('pages through it in both directions, and filters', async () => {
    const headers = { cookie: await api.signIn(one.owner) };
    const seen: string[] = [];
    for (let after = ''; ;) {
      const page = (await (
        await api.get(`/api/v1/audit?limit=2&action=test.write${after}`, headers)
      ).json()) as AuditPage;
      seen.push(...page.items.map((entry) => entry.id));
      expect(page.items.every((entry) => entry.tenantId === one.id)).toBe(true);
      if (page.next === null) break;
      after = `&cursor=${page.next}`;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThanOrEqual(4);

    const newest: string[] = [];
    for (let after = ''; ;) {
      const route = `/api/v1/audit?limit=3&order=newest&action=test.write${after}`;
      const page = (await (await api.get(route, headers)).json()) as AuditPage;
      newest.push(...page.items.map((entry) => entry.id));
      if (page.next === null) break;
      after = `&cursor=${page.next}`;
    }
    expect(newest).toEqual([...seen].reverse());
  });

  it('sees what concerns its organisation alone, and nothing of another organisation', async () => {
    const read = async (headers: Record<string, string>): Promise<AuditPage['items']> =>
      ((await (await api.get('/api/v1/audit?limit=200&order=newest', headers)).json()) as AuditPage).items;
    const [mine, theirs] = [{ cookie: await api.signIn(north.boss) }, { cookie: await api.signIn(south.technician) }];
    const key = { name: 'nightly', actions: ['audit:read'], expiresInDays: 1 };
    const made = (await (await api.post('/api/v1/api-keys', key, { ...mine, 'x-vouch-csrf': '1' })).json()) as {
      id: string;
      key: string;
    };
    const about = (items: AuditPage['items']): string[] => items.map(({ action, subject }) => `${action} ${subject}`);
    const wanted = `api-key.create api-key:${made.id}`;
    const own = await read(mine);
    expect(about(own)).toContain(wanted);
    expect(about(own).some((line) => line.startsWith('session.begin member:'))).toBe(true);
    for (const other of [theirs, { cookie: await api.signIn(one.owner) }]) {
      const items = await read(other);
      expect(about(items)).not.toContain(wanted);
      expect(items.filter(({ actor, subject }) => [actor, subject].includes(`member:${idOf(north.boss)}`))).toEqual([]);
    }
    const byKey = await read({ authorization: `Bearer ${made.key}` });
    expect(byKey.filter(({ tenantId }) => tenantId === null)).toEqual([]);
    expect(byKey.length).toBeGreaterThan(0);
  });

  it("gets the same answer for another's entry as for none", async () => {
    const headers = { cookie: await api.signIn(one.owner) };
    const { rows } = await owner.query<{ hash: string }>('select hash from platform_audit where tenant_id = $1', [
      third.id,
    ]);
    const answers = await Promise.all(
      [rows[0]?.hash, 'a'.repeat(64)].map(async (cursor) => {
        const response = await api.get(`/api/v1/audit?cursor=${cursor}`, headers);
        const { correlationId: _, ...body } = (await response.json()) as Record<string, unknown>;
        return [response.status, body];
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]?.[0]).toBe(404);
  });

  it('as an operator sees the whole, and nobody else does by naming themselves one', async () => {
    const operatorId = idOf('test', 'operator');
    await owner.query(
      `insert into identity_member (id, email, name, role) values ($1, 'operator@tests.example', 'o', 'operator')`,
      [operatorId],
    );
    const caller = {
      kind: 'member',
      id: operatorId,
      name: 'o',
      email: 'o',
      role: 'operator',
      mspId: null,
      msp: '',
      tenantIds: [],
      actions: null,
      steppedUpAt: null,
      sessionId: null,
      secondFactor: 'done',
      correlationId: 'test',
      from: { address: '', userAgent: '' },
    } as const;
    const query = new AuditTrail(api.database.app);
    const lines: string[] = [];
    for await (const line of query.export(caller)) lines.push(line.trim());
    expect(verifyAuditExport(lines, [auditKeyGiven(publicKeyPem)]).broken).toBeNull();
    expect(new Set(lines.map((line) => (JSON.parse(line) as AuditLink).content?.tenantId)).size).toBeGreaterThan(3);
    expect((await query.page({ ...caller, id: idOf(north.technician) }, { limit: 10 })).items).toEqual([]);
    const asTechnician = (tx: Tx) => tx.query('select 1 from platform_audit where tenant_id is null');
    expect(await api.database.app.transaction(forTenants(one.id), asTechnician)).toEqual([]);
  });
});
