import { DataSource, type EntityManager } from 'typeorm';
import { checkedJob, currentJob } from './job.js';

/**
 * What a transaction may see: the named tenants, or no tenant at all (shared tables only).
 * The platform role sees all tenants by its own policies as long as a job is named (`runAsJob`); it uses `shared`.
 */
export type Scope = { readonly kind: 'tenants'; readonly tenantIds: readonly string[] } | { readonly kind: 'shared' };

export const shared: Scope = { kind: 'shared' };
export const forTenants = (...tenantIds: string[]): Scope => ({ kind: 'tenants', tenantIds });

/** One open transaction. */
export interface Tx {
  /** Rows of a statement; parameters are `$1`, `$2`, ... */
  query<Row = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
  readonly manager: EntityManager;
  /** Runs a step when all else in the transaction is done: for locks that everybody needs, so that they are held briefly and last. */
  beforeCommit(step: () => Promise<void>): void;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface DatabaseOptions {
  readonly applicationName: string;
  readonly poolSize?: number;
  /** The job of a process that does only one, such as `seed`; others name theirs with `runAsJob`. */
  readonly job?: string;
}

/** PostgreSQL, entered only through transactions that say whose data they touch. */
export class Database {
  private readonly commitHooks: ((tx: Tx) => Promise<void>)[] = [];

  private constructor(
    private readonly source: DataSource,
    private readonly job: string,
  ) {}

  static async connect(url: string, options: DatabaseOptions): Promise<Database> {
    const job = options.job === undefined ? '' : checkedJob(options.job);
    const source = new DataSource({
      type: 'postgres',
      url,
      applicationName: options.applicationName,
      poolSize: options.poolSize ?? 10,
      entities: [],
      logging: false,
      // A bigint that fits is a number; one that does not is an error, never a rounded figure.
      parseInt8: true,
    });
    await source.initialize();
    return new Database(source, job);
  }

  async close(): Promise<void> {
    if (this.source.isInitialized) await this.source.destroy();
  }

  /**
   * Runs `work` in one transaction. Tenants and job are local to it, so that a pooled connection never carries
   * one tenant's rights into another's request, nor one job's name into another's work.
   */
  async transaction<T>(scope: Scope, work: (tx: Tx) => Promise<T>): Promise<T> {
    const tenantIds = scope.kind === 'tenants' ? scope.tenantIds : [];
    if (!tenantIds.every((id) => UUID.test(id))) throw new TypeError('A tenant id is a lower-case UUID.');
    return this.source.transaction(async (manager) => {
      await manager.query(`select set_config('app.tenant_ids', $1, true), set_config('app.job', $2, true)`, [
        tenantIds.join(','),
        currentJob() ?? this.job,
      ]);
      const last: (() => Promise<void>)[] = [];
      const tx: Tx = {
        manager,
        query: (sql, parameters) => rows(manager, sql, parameters),
        beforeCommit: (step) => void last.push(step),
      };
      const answer = await work(tx);
      for (const hook of this.commitHooks) await hook(tx);
      for (const step of last) await step();
      return answer;
    });
  }

  /** Runs a step at the end of every transaction, before it commits: what must be true of a change is committed with it. */
  beforeEachCommit(hook: (tx: Tx) => Promise<void>): void {
    this.commitHooks.push(hook);
  }

  /** One read outside a longer transaction, with the same scoping. */
  async read<Row = Record<string, unknown>>(
    scope: Scope,
    sql: string,
    parameters?: readonly unknown[],
  ): Promise<Row[]> {
    return this.transaction(scope, (tx) => tx.query<Row>(sql, parameters));
  }

  /** Is the server there? Used by readiness. */
  async ping(): Promise<void> {
    await this.source.query('select 1');
  }
}

async function rows<Row>(manager: EntityManager, sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
  const answer: unknown = await manager.query(sql, [...parameters]);
  // TypeORM gives UPDATE and DELETE as [rows, count] and everything else as rows.
  const isWrite =
    Array.isArray(answer) && answer.length === 2 && Array.isArray(answer[0]) && typeof answer[1] === 'number';
  return (isWrite ? answer[0] : answer) as Row[];
}
