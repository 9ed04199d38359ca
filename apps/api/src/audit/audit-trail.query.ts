import {
  INSTALLATION_CHAIN,
  PAGE_SIZE,
  type AuditExportLine,
  type AuditPage,
  type DsseEnvelope,
} from '@vouch/contracts';
import { actFor, may, ownerOf, reachOf, scopeOf, type CallerContext } from '@vouch/identity';
import { contentOfRow, installationLink, ownerLinkOf, type AuditRow, type Database, type Tx } from '@vouch/platform';
import { NotFound } from '../access/access.errors.js';

const EXPORT_PAGE = 1000;

export interface AuditFilter {
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
  readonly order?: 'oldest' | 'newest' | undefined;
  readonly action?: string | undefined;
  readonly subject?: string | undefined;
  readonly actor?: string | undefined;
  /** The first moment, and the first one after the last. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** One of the chains that a caller may read. */
interface Chain {
  readonly name: string;
  readonly column: 'tenant_id' | 'msp_id' | null;
}

/**
 * The audit trail as far as the caller may see it: their tenants', and what concerns their organisation itself. Entries
 * are named by their hash: their number in the installation's chain would tell a tenant how busy the others are.
 */
export class AuditTrail {
  constructor(private readonly database: Database) {}

  /** One page. @throws NotFound when `cursor` is no entry that the caller may see */
  async page(caller: CallerContext, filter: AuditFilter): Promise<AuditPage> {
    const { cursor, limit = PAGE_SIZE, order = 'oldest', action, subject, actor, from, to } = filter;
    const [after, direction] = order === 'oldest' ? ['>', 'asc'] : ['<', 'desc'];
    const source = readsOrganisation(caller)
      ? '(select * from platform_audit union all select * from platform_audit_of_organisation()) entry'
      : 'platform_audit';
    const rows = await this.reading(caller, async (tx) => {
      const [start] =
        cursor === undefined
          ? [{ seq: order === 'oldest' ? 0 : Number.MAX_SAFE_INTEGER }]
          : await tx.query<{ seq: number }>(`select seq from ${source} where hash = $1`, [cursor]);
      if (!start) throw new NotFound('audit entry');
      return tx.query<AuditRow>(
        `select * from ${source} where seq ${after} $1 and ($3::text is null or action = $3)
            and ($4::text is null or subject = $4) and ($5::text is null or actor = $5)
            and ($6::timestamptz is null or at >= $6) and ($7::timestamptz is null or at < $7)
          order by seq ${direction} limit $2`,
        [start.seq, limit + 1, action ?? null, subject ?? null, actor ?? null, from ?? null, to ?? null],
      );
    });
    const shown = rows.slice(0, limit);
    return {
      items: shown.map((row) => ({ id: row.hash, ...contentOfRow(row) })),
      next: rows.length > limit ? (shown.at(-1)?.hash ?? null) : null,
    };
  }

  /** The whole trail with its signed checkpoints: for the operator the installation's chain, for others their own. */
  async *export(caller: CallerContext): AsyncGenerator<string> {
    for (const chain of chainsOf(caller)) {
      // First the checkpoints: what they stand for is then sure to be among the entries that follow.
      const checkpoints = await this.checkpoints(caller, chain);
      for await (const row of this.rows(caller, chain)) yield ndjson(lineOf(row, chain));
      for (const { envelope } of checkpoints) yield ndjson({ kind: 'checkpoint', envelope });
    }
  }

  private checkpoints(caller: CallerContext, { name, column }: Chain): Promise<{ envelope: DsseEnvelope }[]> {
    const [which, values] = column === null ? ['tenant_id is null and msp_id is null', []] : [`${column} = $1`, [name]];
    return this.reading(caller, (tx) =>
      tx.query(`select envelope from platform_audit_checkpoint where ${which} order by seq, id`, values),
    );
  }

  private async *rows(caller: CallerContext, { name, column }: Chain): AsyncGenerator<AuditRow> {
    const [which, values] = column === null ? ['', []] : [`and ${column} = $2`, [name]];
    for (let last = 0; ;) {
      const rows = await this.reading(caller, (tx) =>
        tx.query<AuditRow>(`select * from platform_audit where seq > $1 ${which} order by seq limit ${EXPORT_PAGE}`, [
          last,
          ...values,
        ]),
      );
      yield* rows;
      last = rows.at(-1)?.seq ?? last;
      if (rows.length < EXPORT_PAGE) return;
    }
  }

  /** Reads as the caller: the database looks itself whether they run the installation, once for each statement. */
  private reading<T>(caller: CallerContext, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.transaction(scopeOf(caller), async (tx) => {
      if (readsAll(caller)) await tx.query(`select set_config('app.operator_id', $1, true)`, [caller.id]);
      else if (readsOrganisation(caller)) await actFor(tx, ownerOf(caller, 'organisation-audit:read'));
      return work(tx);
    });
  }
}

const readsAll = (caller: CallerContext): boolean => reachOf(caller.role, 'audit:read') === 'all';

/** People do, and keys that were made for it: a key may be for a part of the tenants, and then sees what is theirs alone. */
const readsOrganisation = (caller: CallerContext): boolean => may(caller, 'organisation-audit:read');

function chainsOf(caller: CallerContext): Chain[] {
  if (readsAll(caller)) return [{ name: INSTALLATION_CHAIN, column: null }];
  const tenants = caller.tenantIds.map((name) => ({ name, column: 'tenant_id' as const }));
  const ofMsp = readsOrganisation(caller) && reachOf(caller.role, 'organisation-audit:read') === 'msp';
  return ofMsp && caller.mspId !== null ? [{ name: caller.mspId, column: 'msp_id' }, ...tenants] : tenants;
}

function lineOf(row: AuditRow, { name: chain }: Chain): AuditExportLine {
  const link = chain === INSTALLATION_CHAIN ? installationLink(row) : ownerLinkOf(row);
  return link ?? { kind: 'earlier', chain, content: contentOfRow(row) };
}

const ndjson = (line: AuditExportLine): string => `${JSON.stringify(line)}\n`;
