import type pg from 'pg';

/** One table that holds tenants' data, as the database's own catalogue describes it. */
export interface TenantTable {
  readonly name: string;
  readonly enabled: boolean;
  readonly forced: boolean;
  readonly appPolicies: readonly { readonly name: string; readonly using: string; readonly check: string }[];
  /** First columns of its indexes. */
  readonly leadingColumns: readonly string[];
}

/** Every table with a `tenant_id`: discovered, so that a new one cannot be forgotten. */
export async function tenantTables(owner: pg.Client): Promise<TenantTable[]> {
  const { rows } = await owner.query<TenantTable>(`
    select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
           coalesce((select json_agg(json_build_object('name', p.policyname, 'using', coalesce(p.qual, ''), 'check', coalesce(p.with_check, '')))
              from pg_policies p where p.schemaname = 'public' and p.tablename = c.relname and 'vouch_app' = any (p.roles)), '[]') as "appPolicies",
           array(select l.attname::text from pg_index i
                   join pg_attribute l on l.attrelid = c.oid and l.attnum = i.indkey[0]
                  where i.indrelid = c.oid and i.indpred is null) as "leadingColumns"
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
     order by 1`);
  return rows;
}

/** Values that a column's check constraint asks for; everything else is made up from the column's type. */
const FITTING: Readonly<Record<string, unknown>> = {
  'approval_order.kind': 'hold',
  'billing_statement.state': 'closed',
  'identity_api_key.role': 'tenant-owner',
  'webhook_delivery.state': 'failed',
  'identity_member.role': 'tenant-owner',
  'identity_member.msp_id': '00000000-0000-4000-8000-000000000001',
  'rollout_outcome.result': 'installed',
  'identity_tenant.msp_id': '00000000-0000-4000-8000-000000000001',
};

let serial = 0;

/** A row that the table's types and checks take, for one tenant; its references lead nowhere. */
export async function madeUpRow(
  owner: pg.Client,
  table: string,
  tenantId: string,
  ownerColumn = 'tenant_id',
): Promise<Record<string, unknown>> {
  const { rows } = await owner.query<{ name: string; type: string }>(
    `select column_name as name, data_type as type from information_schema.columns
      where table_schema = 'public' and table_name = $1 and is_identity = 'NO'
        and (is_nullable = 'NO' and column_default is null or table_name || '.' || column_name = any ($2))`,
    [table, Object.keys(FITTING)],
  );
  const values = rows.map(({ name, type }) => [name, FITTING[`${table}.${name}`] ?? valueOf(type, `${table}.${name}`)]);
  return { ...Object.fromEntries(values), [ownerColumn]: tenantId };
}

function valueOf(type: string, column: string): unknown {
  serial += 1;
  switch (type) {
    case 'uuid':
      return `00000000-0000-4000-8000-${String(serial).padStart(12, '0')}`;
    case 'text':
      return `made-up-${serial}`;
    case 'integer':
    case 'bigint':
      return serial;
    case 'ARRAY':
      return [`made-up-${serial}`];
    case 'bytea':
      return Buffer.from('made up');
    case 'boolean':
      return true;
    case 'jsonb':
      return '[]';
    case 'timestamp with time zone':
      return '2026-01-01T00:00:00Z';
    default:
      throw new Error(`${column} is a ${type}: say here what a value of it looks like.`);
  }
}

/** An INSERT of a row, and its parameters. */
export function insertOf(table: string, row: Readonly<Record<string, unknown>>): { text: string; values: unknown[] } {
  const columns = Object.keys(row);
  const places = columns.map((_, index) => `$${index + 1}`);
  return {
    text: `insert into ${table} (${columns.join(', ')}) values (${places.join(', ')})`,
    values: Object.values(row),
  };
}
