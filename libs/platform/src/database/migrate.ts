import fs from 'node:fs/promises';
import path from 'node:path';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';

export interface RolePasswords {
  readonly app: string;
  readonly platform: string;
}

/** A database, as `npm start` found or made it: who may enter it as what. */
export interface MigratedDatabase {
  readonly appUrl: string;
  readonly platformUrl: string;
  readonly applied: readonly string[];
}

/**
 * Brings a database to the newest schema and makes the two roles that the processes use.
 * Each `NNNN_context_….sql` of `directory` runs once, in the order of its number, all in one transaction. Then every
 * table of tenants, new ones too, is guarded against platform work that names no job.
 *
 * @param ownerUrl connection of a role that may create roles and tables
 */
export async function migrate(
  ownerUrl: string,
  directory: string,
  passwords: RolePasswords,
): Promise<MigratedDatabase> {
  const files = (await fs.readdir(directory)).filter((name) => /^\d{4}_\w+\.sql$/.test(name)).sort();
  const migrations = await Promise.all(files.map((name) => sqlMigration(path.join(directory, name))));
  const source = new DataSource({
    type: 'postgres',
    url: ownerUrl,
    applicationName: 'vouch-migrate',
    migrations,
    migrationsTableName: 'platform_migration',
    migrationsTransactionMode: 'all',
  });
  await source.initialize();
  try {
    await makeRoles(source, passwords);
    const done = await source.runMigrations();
    await source.query('select platform_guard_tenant_tables()');
    return {
      appUrl: withUser(ownerUrl, 'vouch_app', passwords.app),
      platformUrl: withUser(ownerUrl, 'vouch_platform', passwords.platform),
      applied: done.map((migration) => migration.name),
    };
  } finally {
    await source.destroy();
  }
}

async function sqlMigration(file: string): Promise<new () => MigrationInterface> {
  const sql = await fs.readFile(file, 'utf8');
  const [number, ...words] = path.basename(file, '.sql').split('_');
  // TypeORM orders by the last 13 digits of the name and records the name.
  const name = `${words.join('_')}_${String(number).padStart(13, '0')}`;
  return class implements MigrationInterface {
    name = name;
    async up(runner: QueryRunner): Promise<void> {
      await runner.query(sql);
    }
    async down(): Promise<void> {
      throw new Error(`${name} cannot be undone: restore a backup, or write a migration that goes forward.`);
    }
  };
}

/** Roles belong to the cluster, so several databases share them: made once, one process at a time. */
async function makeRoles(source: DataSource, passwords: RolePasswords): Promise<void> {
  await source.transaction(async (manager) => {
    await manager.query(`select pg_advisory_xact_lock(hashtext('vouch roles'))`);
    for (const [role, password] of [
      ['vouch_app', passwords.app],
      ['vouch_platform', passwords.platform],
    ] as const) {
      const [found] = (await manager.query('select 1 from pg_roles where rolname = $1', [role])) as unknown[];
      const [{ statement }] = (await manager.query(
        `select format('${found ? 'alter' : 'create'} role %I login nosuperuser nobypassrls nocreatedb nocreaterole password %L', $1::text, $2::text) as statement`,
        [role, password],
      )) as [{ statement: string }];
      await manager.query(statement);
      const [{ grant }] = (await manager.query(
        `select format('grant connect on database %I to %I', current_database(), $1::text) as grant`,
        [role],
      )) as [{ grant: string }];
      await manager.query(grant);
      await manager.query(`grant usage on schema public to ${role}`);
    }
    await manager.query(`revoke create on schema public from public`);
    // Owning a function means being able to hand it over: the owner must be a member of the role that receives it.
    await manager.query(`grant vouch_platform to current_user`);
    await manager.query(`grant create on schema public to vouch_platform`);
  });
}

function withUser(url: string, user: string, password: string): string {
  const changed = new URL(url);
  changed.username = user;
  changed.password = encodeURIComponent(password);
  return changed.toString();
}
