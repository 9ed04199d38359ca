import canonicalize from 'canonicalize';
import type { Tx } from '../database/database.js';
import { sha256Hex } from '../ids.js';

/** One change of state: who did what to which thing, when and why (I9). */
export interface AuditEntry {
  readonly tenantId: string | null;
  readonly at: Date;
  /** `member:<id>`, `device:<id>`, `runner:<name>` or `platform`. */
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly why: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

interface Head {
  seq: number;
  hash: string;
}

/** The hash of an entry in its place: over its number, its content and the hash before it. */
export function auditHash(seq: number, entry: AuditEntry, previousHash: string): string {
  const { tenantId, at, actor, action, subject, why, detail } = entry;
  return sha256Hex(
    canonicalize({
      seq,
      tenantId,
      at: at.toISOString(),
      actor,
      action,
      subject,
      why,
      detail: detail ?? {},
      previousHash,
    }) ?? '',
  );
}

/**
 * Appends to the chain in the transaction that makes the change: both happen or neither does. The chain has one end, so
 * it is taken last: taken in the middle, two changes could each wait for what the other holds.
 */
export function audit(tx: Tx, entry: AuditEntry): void {
  tx.beforeCommit(() => append(tx, entry));
}

async function append(tx: Tx, entry: AuditEntry): Promise<void> {
  const [head] = await tx.query<Head>('select seq, hash from platform_audit_head for update');
  if (!head) throw new Error('The audit chain has no head: the database was not migrated.');
  const seq = head.seq + 1;
  const hash = auditHash(seq, entry, head.hash);
  await tx.query(
    `insert into platform_audit (seq, tenant_id, at, actor, action, subject, why, detail, previous_hash, hash)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      seq,
      entry.tenantId,
      entry.at,
      entry.actor,
      entry.action,
      entry.subject,
      entry.why,
      JSON.stringify(entry.detail ?? {}),
      head.hash,
      hash,
    ],
  );
  await tx.query('update platform_audit_head set seq = $1, hash = $2', [seq, hash]);
}

interface Row {
  seq: number;
  tenant_id: string | null;
  at: Date;
  actor: string;
  action: string;
  subject: string;
  why: string;
  detail: Record<string, unknown>;
  previous_hash: string;
  hash: string;
}

/** Walks the whole chain. Returns the number of the first entry that was changed, is missing or was added; else null. */
export async function firstBrokenAuditEntry(tx: Tx): Promise<number | null> {
  let previous: Head = { seq: 0, hash: '0'.repeat(64) };
  for (;;) {
    const rows = await tx.query<Row>('select * from platform_audit where seq > $1 order by seq limit 1000', [
      previous.seq,
    ]);
    for (const row of rows) {
      const entry: AuditEntry = { ...row, tenantId: row.tenant_id };
      const expected = auditHash(previous.seq + 1, entry, previous.hash);
      if (row.seq !== previous.seq + 1 || row.previous_hash !== previous.hash || row.hash !== expected)
        return previous.seq + 1;
      previous = { seq: row.seq, hash: row.hash };
    }
    if (rows.length < 1000) break;
  }
  const [head] = await tx.query<Head>('select seq, hash from platform_audit_head');
  return head?.seq === previous.seq && head.hash === previous.hash ? null : previous.seq + 1;
}
