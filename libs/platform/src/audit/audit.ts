import { INSTALLATION_CHAIN, type AuditContent, type AuditLink } from '@vouch/contracts';
import type { Tx } from '../database/database.js';
import { CHAIN_START, linkHash } from './chain.js';

const LONGEST_USER_AGENT = 300;

/** Where a request came from. */
export interface Origin {
  readonly address: string;
  /** What it says of itself; anybody can send anything. */
  readonly userAgent: string;
}

/** One change of state: who did what to which thing, when, why and from where (I9). */
export interface AuditEntry {
  readonly tenantId: string | null;
  /** Where it concerns no tenant: the MSP whose it is, and whose chain holds it too. */
  readonly mspId?: string | null;
  readonly at: Date;
  /** `member:<id>`, `device:<id>`, `runner:<name>` or `platform`. */
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly why: string;
  /** Where the request came from (`CallerContext.from`); absent for work of the platform itself. */
  readonly from?: Origin;
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
  const inOwners = await ownerLink(tx, content);
  const link = hashed({
    kind: 'entry',
    chain: INSTALLATION_CHAIN,
    format: 3,
    seq: head.seq + 1,
    previousHash: head.hash,
    tenantSeq: inOwners?.seq ?? null,
    tenantHash: inOwners?.hash ?? null,
    content,
  });
  await tx.query(
    `insert into platform_audit (format, seq, tenant_id, at, actor, action, subject, why, from_address, detail, previous_hash, hash,
                                 owner_seq, owner_previous_hash, owner_hash, msp_id, user_agent)
     values (3, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
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
      inOwners?.seq ?? null,
      inOwners?.previousHash ?? null,
      inOwners?.hash ?? null,
      content.mspId,
      content.userAgent,
    ],
  );
  await tx.query('update platform_audit_head set seq = $1, hash = $2', [link.seq, link.hash]);
}

/**
 * Place in the chain of the tenant or MSP; null for what is neither's. Whoever holds the head of the installation's chain
 * is the only one to ask.
 */
async function ownerLink(tx: Tx, content: AuditContent): Promise<AuditLink | null> {
  const { tenantId, mspId } = content;
  const chain = tenantId ?? mspId;
  if (chain === null) return null;
  // An MSP's entries are seen and written by who acts for it; nothing but this is done after here.
  if (mspId !== null) await tx.query(`select set_config('app.owner_id', $1, true)`, [mspId]);
  const [last] = await tx.query<{ seq: number; hash: string }>(
    `select owner_seq as seq, owner_hash as hash from platform_audit
      where ${tenantId === null ? 'msp_id' : 'tenant_id'} = $1 and owner_seq is not null order by owner_seq desc limit 1`,
    [chain],
  );
  const { seq, hash } = last ?? { seq: 0, hash: CHAIN_START };
  return hashed({
    kind: 'entry',
    chain,
    format: 3,
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
  return {
    tenantId,
    mspId: tenantId === null ? (entry.mspId ?? null) : null,
    at: at.toISOString(),
    actor,
    action,
    subject,
    why,
    from: from?.address ?? '',
    userAgent: from?.userAgent.slice(0, LONGEST_USER_AGENT) ?? '',
    detail: said,
  };
}
