import { Database, forTenants, shared, type Scope } from '@vouch/platform';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from './database.js';
import { insertOf, madeUpRow, tenantTables, type TenantTable } from './tenant-tables.js';

const ours = '11111111-1111-4111-8111-111111111111';
const theirs = '22222222-2222-4222-8222-222222222222';
const [ourMsp, theirMsp] = ['33333333-3333-4333-8333-333333333333', '44444444-4444-4444-8444-444444444444'];
const REFUSED = '42501';
const BROKEN_REFERENCE = '23503';

/** Tables that the application may not read at all, and why. */

/** Tables without a `tenant_id` that point to one with it, and why that leaks nothing. */
const POINTS_TO_TENANTS: Readonly<Record<string, string>> = {
  identity_challenge: 'found by a random challenge only, and gone once it was found',
  identity_passkey: "a member's own, by a policy that asks who they are",
  identity_password_reset: "a member's own, by a policy that asks who they are",
  identity_recovery_code: "a member's own, by a policy that asks who they are",
  identity_session: "a member's own, by a policy that asks who they are",
  identity_subject: "a member's own, by a policy that asks who they are",
  identity_totp: "a member's own, by a policy that asks who they are",
};

/** Columns that say whose a row is, directly or by what it belongs to. */
const OWNING = ['tenant_id', 'msp_id', 'owner_id', 'policy_id', 'channel_id', 'member_id', 'endpoint_id'];
/** Tables with such a column and without forced row-level security, and why. */
const WITHOUT_ROW_SECURITY: Readonly<Record<string, string>> = {
  identity_challenge: 'found by a random challenge only, and gone once it was found',
};

/** An MSP reads its own chain, and who runs the installation every one. */
const OF_THE_AUDIT_TRAIL = /^platform_audit_(checkpoint_)?(msp|operator)$/;

let db: TestDatabase;
let owner: pg.Client;
let tables: TenantTable[];

beforeAll(async () => {
  db = await createTestDatabase();
  owner = new pg.Client({ connectionString: db.ownerUrl });
  await owner.connect();
  tables = await tenantTables(owner);
  // Rows of two tenants in every table; where their references lead does not matter to who may see them.
  await owner.query(`set session_replication_role = 'replica'`);
  for (const { name } of tables) {
    for (const tenantId of [ours, theirs]) await owner.query(insertOf(name, await madeUpRow(owner, name, tenantId)));
  }
});

afterAll(async () => {
  await owner.end();
  await db.drop();
});

/** What a statement did: its number of rows, or the database's error code. */
async function attempt(
  database: Database,
  scope: Scope,
  text: string,
  values: unknown[] = [],
): Promise<number | string> {
  try {
    return (await database.read(scope, text, values)).length;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

describe('what belongs to an MSP and to no single tenant', () => {
  it('is under forced row-level security in every table that says whose it is', async () => {
    const { rows } = await owner.query<{ name: string }>(
      `select distinct c.relname as name from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attname = any ($1) and not a.attisdropped
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
          and not (c.relrowsecurity and c.relforcerowsecurity) order by 1`,
      [OWNING],
    );
    expect(rows.map(({ name }) => name)).toEqual(Object.keys(WITHOUT_ROW_SECURITY));
  });

  it('is shown to who acts for it, to the tenants that it decides for, and to nobody else', async () => {
    const policies = [ours, theirs].map((_, index) => `77777777-7777-4777-8777-00000000000${index}`);
    for (const [index, policyId] of policies.entries()) {
      const [mspId, tenantId] = [[ourMsp, theirMsp][index], [ours, theirs][index]];
      const channel = `88888888-8888-4888-8888-00000000000${index}`;
      const of = async (table: string, fields: Record<string, unknown>): Promise<void> => {
        const row = await madeUpRow(owner, table, policyId, 'policy_id');
        await owner.query(insertOf(table, { ...row, ...fields }));
      };
      const policy = await madeUpRow(owner, 'approval_policy', policyId, 'id');
      await owner.query(insertOf('approval_policy', { ...policy, msp_id: mspId }));
      await owner.query('update approval_tenant_policy set policy_id = $2, msp_id = $3 where tenant_id = $1', [
        tenantId,
        policyId,
        mspId,
      ]);
      await of('approval_channel', { id: channel, ring: 0 });
      await of('approval_decision', { outcome: 'approved' });
      await of('rollout_ring', { state: 'open' });
      const approval = await madeUpRow(owner, 'approval_approval', channel, 'channel_id');
      await owner.query(insertOf('approval_approval', approval));
    }
    const [own] = policies;
    const seen = (scope: Scope, mspId: string | null): Promise<string[]> =>
      db.app.transaction(scope, async (tx) => {
        if (mspId !== null) await tx.query(`select set_config('app.owner_id', $1, true)`, [mspId]);
        const rows = await tx.query<{ what: string }>(
          `select 'policy ' || id as what from approval_policy
           union all select 'channel ' || policy_id from approval_channel
           union all select 'decision ' || policy_id from approval_decision
           union all select 'ring ' || policy_id from rollout_ring
           union all select 'approval ' || c.policy_id from approval_approval a join approval_channel c on c.id = a.channel_id
           order by 1`,
        );
        return rows.map(({ what }) => what);
      });
    const all = ['approval', 'channel', 'decision', 'policy', 'ring'].map((what) => `${what} ${own}`);
    expect(await seen(shared, ourMsp)).toEqual(all);
    expect(await seen(forTenants(ours), null)).toEqual(all);
    expect(await seen(shared, null)).toEqual([]);
    expect(await attempt(db.app, shared, 'select count(*) from approval_approval having count(*) > 0')).toBe(0);
  });
});

describe('every table with a tenant_id (I6)', () => {
  it('is one of those that this test knows to exist', () => {
    expect(tables.map((table) => table.name)).toEqual(
      expect.arrayContaining(['billing_share', 'fleet_device', 'identity_tenant', 'platform_audit', 'rollout_outcome']),
    );
  });

  it('has row-level security enabled, and forced on its owner too', () => {
    expect(tables.filter((table) => !table.enabled || !table.forced)).toEqual([]);
  });

  it('has a policy for the application that asks for the tenants once per statement, not once per row', () => {
    for (const { name, appPolicies } of tables) {
      expect(appPolicies.length, name).toBeGreaterThan(0);
      for (const { name: policy, using, check } of appPolicies) {
        for (const condition of [using, check].filter((text) => text !== ''))
          expect(condition, policy).toMatch(
            policy.startsWith('identity_member_') ||
              policy.startsWith('identity_invitation_') ||
              policy === 'identity_tenant_make' ||
              OF_THE_AUDIT_TRAIL.test(policy)
              ? /\( ?\(?\s*SELECT app_(tenant_ids|member_id|owner_id|reads_all_audit)\(\)/
              : /tenant_id = ANY \(\( ?\(?\s*SELECT app_tenant_ids\(\)/,
          );
      }
    }
  });

  it('is indexed by tenant first', () => {
    expect(tables.filter((table) => !table.leadingColumns.includes('tenant_id')).map((table) => table.name)).toEqual(
      [],
    );
  });
});

describe('the application role', () => {
  it('sees nothing when no tenant is named', async () => {
    for (const { name } of tables) {
      expect(await attempt(db.app, shared, `select 1 from ${name}`), name).toBe(0);
    }
  });

  it('sees the rows of the named tenants and no others', async () => {
    for (const { name } of tables) {
      const visible = async (...tenantIds: string[]): Promise<string[]> =>
        (
          await db.app.read<{ tenant_id: string }>(
            forTenants(...tenantIds),
            `select distinct tenant_id from ${name} order by 1`,
          )
        ).map((row) => row.tenant_id);
      expect(await visible(ours), name).toEqual([ours]);
      expect(await visible(ours, theirs), name).toEqual([ours, theirs]);
    }
  });

  it('cannot write a row for another tenant', async () => {
    for (const { name } of tables) {
      const { text, values } = insertOf(name, await madeUpRow(owner, name, theirs));
      expect(await attempt(db.app, forTenants(ours), text, values), name).toBe(REFUSED);
    }
  });

  it('is refused because of the tenant, not because of the row: its own rows it may write', async () => {
    const { rows } = await owner.query<{ name: string }>(
      `select name from unnest($1::text[]) name where has_table_privilege('vouch_app', name, 'insert')`,
      [tables.map((table) => table.name)],
    );
    expect(rows.map((row) => row.name)).toEqual(
      expect.arrayContaining(['fleet_device', 'platform_audit', 'rollout_outcome']),
    );
    for (const { name } of rows) {
      const { text, values } = insertOf(name, await madeUpRow(owner, name, ours));
      // A tenant is made on behalf of an MSP only, and none is named here.
      const expected = name === 'identity_tenant' ? [REFUSED] : [0, BROKEN_REFERENCE];
      expect(expected, name).toContain(await attempt(db.app, forTenants(ours), text, values));
    }
  });

  it('cannot change, move or remove a row of another tenant', async () => {
    for (const { name } of tables) {
      const theirRows = `select md5(string_agg(t::text, '' order by t::text)) as sum from ${name} t where tenant_id = $1`;
      const before = (await owner.query(theirRows, [theirs])).rows;
      const scope = forTenants(ours);
      const steal = `update ${name} set tenant_id = $1 where tenant_id = $2 returning 1`;
      expect([0, REFUSED], name).toContain(await attempt(db.app, scope, steal, [ours, theirs]));
      expect(await attempt(db.app, scope, steal, [theirs, ours]), `${name}: giving a row away`).toBe(REFUSED);
      const remove = `delete from ${name} where tenant_id = $1 returning 1`;
      expect([0, REFUSED], name).toContain(await attempt(db.app, scope, remove, [theirs]));
      expect((await owner.query(theirRows, [theirs])).rows, name).toEqual(before);
    }
  });

  it('cannot pass for a tenant by what it puts into the setting', async () => {
    await expect(db.app.read(forTenants(`${ours}','${theirs}`), 'select 1')).rejects.toThrow(TypeError);
  });
});

describe('the named tenants', () => {
  const setting = `select app_tenant_ids()::text as tenants`;

  it('are forgotten with the transaction, though the connection is used again', async () => {
    const one = await databaseWithOneConnection();
    await one.transaction(forTenants(ours), async (tx) => {
      expect(await tx.query(setting)).toEqual([{ tenants: `{${ours}}` }]);
    });
    expect(await one.read(shared, setting)).toEqual([{ tenants: '{}' }]);
    await one.close();
  });

  it('are forgotten after a transaction that failed, too', async () => {
    const one = await databaseWithOneConnection();
    await expect(one.transaction(forTenants(ours), (tx) => tx.query('select 1 / 0'))).rejects.toThrow(
      'division by zero',
    );
    expect(await one.read(shared, setting)).toEqual([{ tenants: '{}' }]);
    expect(await one.read(shared, 'select 1 from fleet_device')).toEqual([]);
    await one.close();
  });

  const databaseWithOneConnection = (): Promise<Database> =>
    Database.connect(db.appUrl, { applicationName: 'test-one', poolSize: 1 });
});

describe('roles', () => {
  it('neither own a table nor may bypass its policies, nor become somebody who does', async () => {
    const { rows } = await owner.query(`
      select r.rolname as role, r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb as mighty,
             exists (select 1 from pg_class c where c.relowner = r.oid and c.relkind in ('r', 'p')) as owns,
             exists (select 1 from pg_auth_members m where m.member = r.oid) as "isMember"
        from pg_roles r where r.rolname in ('vouch_app', 'vouch_platform') order by 1`);
    const harmless = { mighty: false, owns: false, isMember: false };
    expect(rows).toEqual([
      { role: 'vouch_app', ...harmless },
      { role: 'vouch_platform', ...harmless },
    ]);
  });
});

describe('tables without a tenant_id', () => {
  it('do not name tenants or devices by another name', async () => {
    const { rows } = await owner.query(
      `
      select c.relname as table, a.attname as column from pg_class c join pg_attribute a on a.attrelid = c.oid
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0
         and a.attname ~ '(tenant|device|member).*_?id' and not (c.relname = any ($1))
         and not exists (select 1 from pg_attribute t where t.attrelid = c.oid and t.attname = 'tenant_id')`,
      [Object.keys(POINTS_TO_TENANTS)],
    );
    expect(rows).toEqual([]);
  });

  it('do not reference a table that has one, but for listed reasons', async () => {
    const { rows } = await owner.query<{ name: string }>(`
      select distinct f.conrelid::regclass::text as name from pg_constraint f
       where f.contype = 'f'
         and exists (select 1 from pg_attribute a where a.attrelid = f.confrelid and a.attname = 'tenant_id')
         and not exists (select 1 from pg_attribute a where a.attrelid = f.conrelid and a.attname = 'tenant_id')`);
    expect(rows.map((row) => row.name)).toEqual(Object.keys(POINTS_TO_TENANTS));
    for (const [name, reason] of Object.entries(POINTS_TO_TENANTS)) {
      if (!reason.includes('policy')) continue;
      const { rows: forced } = await owner.query(
        'select relrowsecurity and relforcerowsecurity as forced from pg_class where oid = $1::regclass',
        [name],
      );
      expect(forced, name).toEqual([{ forced: true }]);
      expect(await attempt(db.app, shared, `select 1 from ${name}`), name).toBe(0);
    }
  });

  it('never let a password hash be listed', async () => {
    expect(await attempt(db.app, shared, 'select password_hash from identity_member')).toBe(REFUSED);
  });
});
