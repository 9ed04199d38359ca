import { INSTALLATION_CHAIN, type AuditContent, type AuditLink } from '@vouch/contracts';
import type { Tx } from '../database/database.js';
import { CHAIN_START, linkHash } from './chain.js';

/** One change of state: who did what to which thing, when, why and from where (I9). */
export interface AuditEntry {
  readonly tenantId: string | null;
  readonly at: Date;
  /** `member:<id>`, `device:<id>`, `runner:<name>` or `platform`. */
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly why: string;
  /** The address that the request came from (`CallerContext.from`); absent for work of the platform itself. */
  readonly from?: string;
  /** What was changed, as it was and as it is. */
  readonly before?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/**
 * Appends to the chains in the transaction that makes the change: both happen or neither does. The installation's chain
 * has one end, so it is taken last: taken in the middle, two changes could each wait for what the other holds.
 */
export function audit(tx: Tx, entry: AuditEntry): void {
  tx.beforeCommit(() => append(tx, entry));
}

async function append(tx: Tx, entry: AuditEntry): Promise<void> {
  const [head] = await tx.query<{ seq: number; hash: string }>('select seq, hash from platform_audit_head for update');
  if (!head) throw new Error('The audit chain has no head: the database was not migrated.');
  const content = contentOf(entry);
  const inTenant = entry.tenantId === null ? null : await tenantLink(tx, entry.tenantId, content);
  const link = hashed({
    kind: 'entry',
    chain: INSTALLATION_CHAIN,
    format: 2,
    seq: head.seq + 1,
    previousHash: head.hash,
    tenantSeq: inTenant?.seq ?? null,
    tenantHash: inTenant?.hash ?? null,
    content,
  });
  await tx.query(
    `insert into platform_audit (format, seq, tenant_id, at, actor, action, subject, why, from_address, detail, previous_hash, hash,
                                 tenant_seq, tenant_previous_hash, tenant_hash)
     values (2, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      link.seq,
      content.tenantId,
      content.at,
      content.actor,
      content.action,
      content.subject,
      content.why,
      content.from,
      JSON.stringify(content.detail),
      link.previousHash,
      link.hash,
      inTenant?.seq ?? null,
      inTenant?.previousHash ?? null,
      inTenant?.hash ?? null,
    ],
  );
  await tx.query('update platform_audit_head set seq = $1, hash = $2', [link.seq, link.hash]);
}

/** Place in the tenant's own chain. Whoever holds the head of the installation's chain is the only one to ask. */
async function tenantLink(tx: Tx, tenantId: string, content: AuditContent): Promise<AuditLink> {
  const [last] = await tx.query<{ seq: number; hash: string }>(
    `select tenant_seq as seq, tenant_hash as hash from platform_audit
      where tenant_id = $1 and tenant_seq is not null order by tenant_seq desc limit 1`,
    [tenantId],
  );
  const { seq, hash } = last ?? { seq: 0, hash: CHAIN_START };
  return hashed({
    kind: 'entry',
    chain: tenantId,
    format: 2,
    seq: seq + 1,
    previousHash: hash,
    tenantSeq: null,
    tenantHash: null,
    content,
  });
}

function hashed(link: Omit<AuditLink, 'hash'>): AuditLink {
  return { ...link, hash: linkHash({ ...link, hash: '' }) };
}

function contentOf({ at, from, before, after, detail, ...entry }: AuditEntry): AuditContent {
  const changed = { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
  const { tenantId, actor, action, subject, why } = entry;
  // What JSON cannot say is gone before it is hashed, as it will be when it is read again.
  const said = JSON.parse(JSON.stringify({ ...detail, ...changed })) as Record<string, unknown>;
  return { tenantId, at: at.toISOString(), actor, action, subject, why, from: from ?? '', detail: said };
}
