import { Database, forTenants, runAsJob, shared } from '@vouch/platform';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from './database.js';
import { DEFINER_FUNCTIONS, NEVER_WRITTEN_BY_THE_API, REFERENCES_WITHOUT_TENANT } from './tenancy-exemptions.js';
import { insertOf, madeUpRow, tenantTables } from './tenant-tables.js';

const ours = '11111111-1111-4111-8111-111111111111';
const theirs = '22222222-2222-4222-8222-222222222222';
const [ourMsp, theirMsp] = ['33333333-3333-4333-8333-333333333333', '44444444-4444-4444-8444-444444444444'];
const REFUSED = '42501';
const BROKEN_REFERENCE = '23503';
/** Records of what happened: written in another way than other tables, tested below. */
const RECORDS = ['platform_audit', 'platform_audit_checkpoint', 'platform_job_record'];

let db: TestDatabase;
let owner: pg.Client;
let names: string[];

/** What a statement of a role did: its number of rows, or the database's error code. */
async function attempt(database: Database, text: string, values: unknown[] = []): Promise<number | string> {
  try {
    return (await database.read(shared, text, values)).length;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

beforeAll(async () => {
  db = await createTestDatabase();
  owner = new pg.Client({ connectionString: db.ownerUrl });
  await owner.connect();
  names = (await tenantTables(owner)).map((table) => table.name);
  await owner.query(`set session_replication_role = 'replica'`);
  for (const name of names)
    for (const tenantId of [ours, theirs]) await owner.query(insertOf(name, await madeUpRow(owner, name, tenantId)));
  await owner.query(`set session_replication_role = 'origin'`);
});

afterAll(async () => {
  await owner.end();
  await db.drop();
});

describe('references between tables of tenants', () => {
  it('hold the tenant on both sides, so that no row can point into another tenant', async () => {
    const { rows } = await owner.query<{ reference: string }>(
      `select f.conrelid::regclass || '.' || f.conname as reference from pg_constraint f
        where f.contype = 'f' and f.conrelid::regclass::text = any ($1) and f.confrelid::regclass::text = any ($1)
          and not exists (
            select 1 from unnest(f.conkey, f.confkey) k (own, other)
              join pg_attribute o on o.attrelid = f.conrelid and o.attnum = k.own and o.attname = 'tenant_id'
              join pg_attribute t on t.attrelid = f.confrelid and t.attnum = k.other and t.attname = 'tenant_id')`,
      [names],
    );
    const unlisted = rows.filter(({ reference }) => !(reference in REFERENCES_WITHOUT_TENANT));
    expect(unlisted, 'put tenant_id into the reference, or list it with its reason in tenancy-exemptions.ts').toEqual(
      [],
    );
  });

  it('keep a member, a policy and a used token inside their own MSP or tenant', async () => {
    const owned = async (text: string, values: unknown[]): Promise<string> =>
      owner.query(text, values).then(
        () => 'accepted',
        (error: { code: string }) => error.code,
      );
    await owner.query(`insert into identity_msp (id, name) values ($1, 'ours'), ($2, 'theirs')`, [ourMsp, theirMsp]);
    const tenant = '55555555-5555-4555-8555-555555555555';
    const policy = '66666666-6666-4666-8666-666666666666';
    await owner.query(`insert into identity_tenant (tenant_id, msp_id, name) values ($1, $2, 't')`, [tenant, ourMsp]);
    await owner.query(`insert into approval_policy (id, msp_id, name, rules) values ($1, $2, 'p', '{}')`, [
      policy,
      theirMsp,
    ]);
    const member = `insert into identity_member (id, msp_id, tenant_id, email, name, role)
                    values (gen_random_uuid(), $1, $2, $3, 'm', 'tenant-owner')`;
    expect(await owned(member, [theirMsp, tenant, 'a@tests.example'])).toBe(BROKEN_REFERENCE);
    expect(await owned(member, [ourMsp, tenant, 'b@tests.example'])).toBe('accepted');
    const adopt = 'insert into approval_tenant_policy (tenant_id, msp_id, policy_id) values ($1, $2, $3)';
    for (const msp of [ourMsp, theirMsp]) expect(await owned(adopt, [tenant, msp, policy])).toBe(BROKEN_REFERENCE);
    const token = `insert into fleet_enrolment_token (tenant_id, token_sha256, ring, created_by, expires_at, used_by)
                   select $1, 'x', 0, 'm', now(), id from fleet_device where tenant_id = $2`;
    expect(await owned(token, [tenant, theirs])).toBe(BROKEN_REFERENCE);
  });
});

describe('our roles', () => {
  it('have no right that passes by row-level security or gives itself more', async () => {
    const { rows } = await owner.query(`
      select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
             (select count(*)::int from pg_class c where c.relowner = r.oid and c.relkind in ('r', 'p', 'v', 'm', 'S')) as owned,
             (select count(*)::int from pg_auth_members m where m.member = r.oid) as memberships
        from pg_roles r where rolname like 'vouch\\_%' and rolname <> current_user order by 1`);
    const none = {
      rolsuper: false,
      rolbypassrls: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolreplication: false,
      owned: 0,
      memberships: 0,
    };
    expect(rows).toEqual([
      { rolname: 'vouch_app', ...none },
      { rolname: 'vouch_platform', ...none },
    ]);
  });

  it('reach beyond their own rights only through the listed functions, whose search path is fixed', async () => {
    const { rows } = await owner.query<{ name: string; config: string[] | null; open: boolean }>(`
      select proname as name, proconfig as config, exists (
               select 1 from aclexplode(coalesce(proacl, acldefault('f', proowner))) where grantee = 0) as open
        from pg_proc where prosecdef and pronamespace = 'public'::regnamespace order by 1`);
    expect(rows.length).toBeGreaterThan(0);
    for (const { name, config, open } of rows) {
      expect(DEFINER_FUNCTIONS[name], `${name}: say in tenancy-exemptions.ts why it may do more`).toMatch(/\w+ \w+/);
      expect(config, name).toContain('search_path=public, pg_temp');
      expect(open, `${name}: revoke it from public`).toBe(false);
    }
  });

  it.each(Object.entries(NEVER_WRITTEN_BY_THE_API))('vouch_app cannot write %s: %s', async (table) => {
    const column = (
      await owner.query<{ name: string }>(
        `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and attidentity = '' limit 1`,
        [table],
      )
    ).rows[0]?.name;
    expect(column).toBeDefined();
    expect(await attempt(db.app, `insert into ${table} default values`)).toBe(REFUSED);
    expect(await attempt(db.app, `update ${table} set ${column} = ${column}`)).toBe(REFUSED);
    expect(await attempt(db.app, `delete from ${table}`)).toBe(REFUSED);
    expect(await attempt(db.app, `truncate ${table} cascade`)).toBe(REFUSED);
  });

  it('vouch_app cannot change what a test run is about', async () => {
    for (const column of [
      'revision_id',
      'golden_digest',
      'generation',
      'cause',
      'driver',
      'plan_digest',
      'plan',
      'profile_digest',
    ])
      expect(await attempt(db.app, `update lab_test_run set ${column} = ${column}`), column).toBe(REFUSED);
  });

  it('cannot switch off triggers or policies, nor make objects that others would find first', async () => {
    for (const database of [db.app, db.platform]) {
      expect(await attempt(database, `set session_replication_role = 'replica'`)).toBe(REFUSED);
      expect(await attempt(database, 'alter table fleet_device disable row level security')).toBe(REFUSED);
      expect(await attempt(database, 'alter table fleet_device disable trigger all')).toBe(REFUSED);
      expect(await attempt(database, 'select platform_guard_tenant_tables()')).toBe(REFUSED);
    }
    expect(await attempt(db.app, 'create function app_tenant_ids() returns text language sql return 1')).toBe(REFUSED);
  });
});

describe('with no tenant named', () => {
  it('vouch_app sees no row of any tenant and writes none', async () => {
    for (const name of names) {
      expect([0, REFUSED], name).toContain(await attempt(db.app, `select 1 from ${name}`));
      const { text, values } = insertOf(name, await madeUpRow(owner, name, ours));
      expect(await attempt(db.app, text, values), `insert into ${name}`).toBe(REFUSED);
      const change = `update ${name} set tenant_id = tenant_id where tenant_id = any ($1::uuid[]) returning 1`;
      expect([0, REFUSED], `update ${name}`).toContain(await attempt(db.app, change, [[ours, theirs]]));
      const remove = `delete from ${name} where tenant_id = any ($1::uuid[]) returning 1`;
      expect([0, REFUSED], `delete from ${name}`).toContain(await attempt(db.app, remove, [[ours, theirs]]));
    }
  });
});

describe('work of the platform', () => {
  let nameless: Database;
  beforeAll(async () => {
    nameless = await Database.connect(db.platformUrl, { applicationName: 'test-nameless' });
  });
  afterAll(() => nameless.close());

  it('that names no job sees no row of any tenant, and writes none', async () => {
    for (const name of names) {
      expect([0, REFUSED], name).toContain(await attempt(nameless, `select 1 from ${name}`));
      const { text, values } = insertOf(name, await madeUpRow(owner, name, ours));
      expect(await attempt(nameless, text, values), `insert into ${name}`).toBe(REFUSED);
      expect([0, REFUSED], name).toContain(
        await attempt(nameless, `update ${name} set tenant_id = tenant_id returning 1`),
      );
      expect([0, REFUSED], name).toContain(await attempt(nameless, `delete from ${name} returning 1`));
    }
  });

  it('is guarded on every table: each policy of the platform asks for the job, each change leaves a record', async () => {
    const { rows: open } = await owner.query(
      `select policyname from pg_policies where 'vouch_platform' = any (roles)
          and (coalesce(qual, 'app_job') !~ 'app_job' or coalesce(with_check, 'app_job') !~ 'app_job')`,
    );
    expect(open).toEqual([]);
    const { rows: forAll } = await owner.query(
      `select policyname from pg_policies where tablename = any ($1) and roles && '{public}'::name[]`,
      [names],
    );
    expect(forAll).toEqual([]);
    const { rows: triggers } = await owner.query<{ name: string; count: number }>(
      `select c.relname as name, count(*)::int from pg_trigger t join pg_class c on c.oid = t.tgrelid
        where t.tgname like 'platform\\_record\\_%' and t.tgenabled = 'O' group by 1`,
    );
    expect(new Map(triggers.map(({ name, count }) => [name, count]))).toEqual(
      new Map(names.filter((name) => !RECORDS.includes(name)).map((name) => [name, 3])),
    );
  });

  it('is written down by the database: job, table, tenant, operation and rows, for the tenant to read', async () => {
    await runAsJob('test.count', () =>
      nameless.transaction(shared, async (tx) => {
        await tx.query(`update fleet_device set name = 'seen' where tenant_id = any ($1::uuid[])`, [[ours, theirs]]);
        await tx.query('delete from fleet_device_nonce where tenant_id = $1', [ours]);
      }),
    );
    const read = (tenantId: string) =>
      db.app.read(
        forTenants(tenantId),
        `select job, table_name, tenant_id, operation, rows from platform_job_record where job = 'test.count' order by id`,
      );
    const record = { job: 'test.count', rows: 1 };
    expect(await read(ours)).toEqual([
      { ...record, table_name: 'fleet_device', tenant_id: ours, operation: 'update' },
      { ...record, table_name: 'fleet_device_nonce', tenant_id: ours, operation: 'delete' },
    ]);
    expect(await read(theirs)).toEqual([
      { ...record, table_name: 'fleet_device', tenant_id: theirs, operation: 'update' },
    ]);
    const { rows } = await owner.query(
      `select count(distinct transaction_id)::int as n from platform_job_record where job = 'test.count'`,
    );
    expect(rows).toEqual([{ n: 1 }]);
  });

  it('leaves a record that no role of ours can write, change or remove', async () => {
    const { text, values } = insertOf('platform_job_record', await madeUpRow(owner, 'platform_job_record', ours));
    for (const database of [db.app, db.platform]) {
      expect(await attempt(database, text, values)).toBe(REFUSED);
      expect(await attempt(database, 'update platform_job_record set rows = 0')).toBe(REFUSED);
      expect(await attempt(database, 'delete from platform_job_record')).toBe(REFUSED);
      expect(await attempt(database, 'truncate platform_job_record')).toBe(REFUSED);
    }
  });

  it('leaves no record when it changed no row of a tenant, and none when the application did the work', async () => {
    const count = async () =>
      (await owner.query<{ n: number }>('select count(*)::int as n from platform_job_record')).rows;
    const before = await count();
    await db.platform.read(shared, `update fleet_device set name = 'x' where tenant_id = gen_random_uuid()`);
    await db.app.read(forTenants(ours), `update fleet_device set name = 'y' where tenant_id = $1`, [ours]);
    expect(await count()).toEqual(before);
  });

  it('forgets its job with the transaction, though the connection is used again', async () => {
    const one = await Database.connect(db.platformUrl, { applicationName: 'test-one', poolSize: 1 });
    const job = () => one.read(shared, 'select app_job() as job');
    expect(await runAsJob('test.one', job)).toEqual([{ job: 'test.one' }]);
    expect(await job()).toEqual([{ job: null }]);
    await one.close();
  });

  it('cannot be named as the application: a job gives vouch_app nothing', async () => {
    const scoped = await Database.connect(db.appUrl, { applicationName: 'test-app-job', job: 'closing' });
    expect(await attempt(scoped, 'select 1 from fleet_device')).toBe(0);
    await scoped.close();
  });

  it('is guarded again after each migration, for tables that came later', async () => {
    await owner.query(`create table later_thing (tenant_id uuid primary key);
      alter table later_thing enable row level security; alter table later_thing force row level security;
      create policy later_thing_platform on later_thing to vouch_platform using (true) with check (true);
      grant select, insert on later_thing to vouch_platform;
      select platform_guard_tenant_tables(); select platform_guard_tenant_tables();`);
    expect(await attempt(nameless, 'insert into later_thing values ($1)', [ours])).toBe(REFUSED);
    expect(await attempt(db.platform, 'insert into later_thing values ($1)', [ours])).toBe(0);
    const { rows } = await owner.query(
      `select job, tenant_id from platform_job_record where table_name = 'later_thing'`,
    );
    expect(rows).toEqual([{ job: 'test', tenant_id: ours }]);
    await owner.query('drop table later_thing');
  });
});
