import { INSTALLATION_CHAIN, type AuditCheckpoint, type AuditContent, type AuditLink } from '@vouch/contracts';
import type { Tx } from '../database/database.js';
import { ChainCheck, type BrokenEntry } from './chain.js';

const PAGE = 1000;

interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

/** An entry as the table holds it. */
export interface AuditRow {
  format: 1 | 2 | 3;
  seq: number;
  tenant_id: string | null;
  msp_id: string | null;
  at: Date;
  actor: string;
  action: string;
  subject: string;
  why: string;
  from_address: string;
  user_agent: string;
  detail: Record<string, unknown>;
  previous_hash: string;
  hash: string;
  owner_seq: number | null;
  owner_previous_hash: string | null;
  owner_hash: string | null;
}

export function contentOfRow(row: AuditRow): AuditContent {
  const { tenant_id: tenantId, msp_id: mspId, at, actor, action, subject, why, detail } = row;
  const { from_address: from, user_agent: userAgent } = row;
  return { tenantId, mspId, at: at.toISOString(), actor, action, subject, why, from, userAgent, detail };
}

/** The row's place in the installation's chain. */
export function installationLink(row: AuditRow): AuditLink {
  return {
    kind: 'entry',
    chain: INSTALLATION_CHAIN,
    format: row.format,
    seq: row.seq,
    previousHash: row.previous_hash,
    hash: row.hash,
    tenantSeq: row.owner_seq,
    tenantHash: row.owner_hash,
    content: contentOfRow(row),
  };
}

/** The row's place in its tenant's or MSP's chain; null when it is older than that chain, or of neither. */
export function ownerLinkOf(row: AuditRow): AuditLink | null {
  const { format, owner_seq: seq, owner_hash: hash, owner_previous_hash: previousHash } = row;
  const chain = row.tenant_id ?? row.msp_id;
  if (chain === null || seq === null || hash === null || previousHash === null) return null;
  const content = contentOfRow(row);
  return { kind: 'entry', chain, format, seq, previousHash, hash, tenantSeq: null, tenantHash: null, content };
}

/**
 * Walks the whole trail of a database: the installation's chain, and every tenant's and MSP's.
 *
 * @param checkpoints opened with a trusted key
 * @returns what was found broken first, or null; and for how many entries of the installation's chain a checkpoint stands
 */
export async function checkAudit(
  tx: Tx,
  checkpoints: readonly AuditCheckpoint[] = [],
): Promise<{ broken: BrokenEntry | null; entries: number; signedUpTo: number }> {
  const whole = new ChainCheck(INSTALLATION_CHAIN, checkpoints);
  const owners = new Map<string, ChainCheck>(
    checkpoints
      .filter(({ chain }) => chain !== INSTALLATION_CHAIN)
      .map(({ chain }) => [chain, new ChainCheck(chain, checkpoints)]),
  );
  const result = (broken: BrokenEntry | null) => ({ broken, entries: whole.head.seq, signedUpTo: whole.signedUpTo });
  const head = async (): Promise<ChainHead | undefined> =>
    (await tx.query<ChainHead>('select seq, hash from platform_audit_head'))[0];
  const before = await head();
  for (let last = 0; ;) {
    const rows = await tx.query<AuditRow>(`select * from platform_audit where seq > $1 order by seq limit ${PAGE}`, [
      last,
    ]);
    for (const row of rows) {
      const link = ownerLinkOf(row);
      const owner = link && (owners.get(link.chain) ?? new ChainCheck(link.chain, checkpoints));
      if (owner) owners.set(link.chain, owner);
      const broken = whole.next(installationLink(row)) ?? (owner ? owner.next(link) : null);
      if (broken) return result(broken);
      last = row.seq;
    }
    if (rows.length < PAGE) break;
  }
  // What is appended while this walks is no gap: the chain reaches to where it ended before, or to where it ends now.
  const after = await head();
  const grew = after !== undefined && after.seq > whole.head.seq && whole.head.seq >= (before?.seq ?? 0);
  const ends = [whole.end(grew ? undefined : after), ...[...owners.values()].map((owner) => owner.end())];
  return result(ends.find((end) => end !== null) ?? null);
}

/** The number of the first entry that was changed, is missing or was added; null when the hashes of all are right. */
export async function firstBrokenAuditEntry(tx: Tx): Promise<number | null> {
  return (await checkAudit(tx)).broken?.seq ?? null;
}
