import {
  INSTALLATION_CHAIN,
  PAGE_SIZE,
  type AuditExportLine,
  type AuditPage,
  type DsseEnvelope,
} from '@vouch/contracts';
import { actFor, ownerOf, reachOf, scopeOf, type CallerContext } from '@vouch/identity';
import { contentOfRow, installationLink, tenantLinkOf, type AuditRow, type Database } from '@vouch/platform';
import { NotFound } from '../access/access.errors.js';

const EXPORT_PAGE = 1000;

export interface AuditFilter {
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
  readonly order?: 'oldest' | 'newest' | undefined;
  readonly action?: string | undefined;
  readonly subject?: string | undefined;
}

/**
 * The audit trail as far as the caller may see it. Entries are named by their hash: their number in the installation's
 * chain would tell a tenant how busy the others are.
 */
export class AuditTrail {
  constructor(private readonly database: Database) {}

  /** One page. @throws NotFound when `cursor` is no entry that the caller may see */
  async page(caller: CallerContext, filter: AuditFilter): Promise<AuditPage> {
    const { cursor, limit = PAGE_SIZE, order = 'oldest', action, subject } = filter;
    const [after, direction] = order === 'oldest' ? ['>', 'asc'] : ['<', 'desc'];
    const person = caller.kind === 'member' && !readsAll(caller);
    const [entries, own] = sourceOf(caller, 'entries');
    // A key may be for a part of the tenants, so it sees what is the tenants' alone.
    const source = person
      ? `(select * from ${entries} union all select * from platform_audit_of_organisation()) entry`
      : entries;
    const rows = await this.database.transaction(scopeOf(caller), async (tx) => {
      if (person) await actFor(tx, ownerOf(caller, 'audit:read'));
      const [start] =
        cursor === undefined
          ? [{ seq: order === 'oldest' ? 0 : Number.MAX_SAFE_INTEGER }]
          : await tx.query<{ seq: number }>(`select seq from ${source} where hash = $${own.length + 1}`, [
              ...own,
              cursor,
            ]);
      if (!start) throw new NotFound('audit entry');
      const [from, most, what, which] = [1, 2, 3, 4].map((place) => `$${own.length + place}`);
      return tx.query<AuditRow>(
        `select * from ${source} where seq ${after} ${from} and (${what}::text is null or action = ${what})
            and (${which}::text is null or subject = ${which}) order by seq ${direction} limit ${most}`,
        [...own, start.seq, limit + 1, action ?? null, subject ?? null],
      );
    });
    const shown = rows.slice(0, limit);
    return {
      items: shown.map((row) => ({ id: row.hash, ...contentOfRow(row) })),
      next: rows.length > limit ? (shown.at(-1)?.hash ?? null) : null,
    };
  }

  /** The whole trail with its signed checkpoints: for the operator the installation's chain, for others their tenants'. */
  async *export(caller: CallerContext): AsyncGenerator<string> {
    const whole = readsAll(caller);
    for (const chain of whole ? [INSTALLATION_CHAIN] : caller.tenantIds) {
      // First the checkpoints: what they stand for is then sure to be among the entries that follow.
      const checkpoints = await this.checkpoints(caller, whole ? null : chain);
      for await (const row of this.rows(caller, whole ? null : chain)) yield ndjson(lineOf(row, chain));
      for (const { envelope } of checkpoints) yield ndjson({ kind: 'checkpoint', envelope });
    }
  }

  private checkpoints(caller: CallerContext, tenantId: string | null): Promise<{ envelope: DsseEnvelope }[]> {
    const [source, own] = sourceOf(caller, 'checkpoints');
    return this.database.read(
      scopeOf(caller),
      `select envelope from ${source} where tenant_id is not distinct from $${own.length + 1}::uuid order by seq`,
      [...own, tenantId],
    );
  }

  private async *rows(caller: CallerContext, tenantId: string | null): AsyncGenerator<AuditRow> {
    const [source, own] = sourceOf(caller, 'entries');
    const [from, tenant] = [`$${own.length + 1}`, `$${own.length + 2}`];
    for (let last = 0; ;) {
      const rows = await this.database.read<AuditRow>(
        scopeOf(caller),
        `select * from ${source} where seq > ${from} and (${tenant}::uuid is null or tenant_id = ${tenant})
          order by seq limit ${EXPORT_PAGE}`,
        [...own, last, tenantId],
      );
      yield* rows;
      last = rows.at(-1)?.seq ?? last;
      if (rows.length < EXPORT_PAGE) return;
    }
  }
}

const readsAll = (caller: CallerContext): boolean => reachOf(caller.role, 'audit:read') === 'all';

/** Where to read, and the parameters that come first. The operator reads through functions that check that they are one. */
function sourceOf(caller: CallerContext, what: 'entries' | 'checkpoints'): [string, string[]] {
  if (!readsAll(caller)) return [what === 'entries' ? 'platform_audit' : 'platform_audit_checkpoint', []];
  return [
    what === 'entries' ? 'platform_audit_for_operator($1)' : 'platform_checkpoints_for_operator($1)',
    [caller.id],
  ];
}

function lineOf(row: AuditRow, chain: string): AuditExportLine {
  const link = chain === INSTALLATION_CHAIN ? installationLink(row) : tenantLinkOf(row);
  return link ?? { kind: 'earlier', chain, content: contentOfRow(row) };
}

const ndjson = (line: AuditExportLine): string => `${JSON.stringify(line)}\n`;
