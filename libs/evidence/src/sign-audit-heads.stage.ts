import { INSTALLATION_CHAIN, type DsseEnvelope } from '@vouch/contracts';
import {
  CHAIN_START,
  ChainCheck,
  installationLink,
  shared,
  ownerLinkOf,
  type AuditRow,
  type BrokenEntry,
  type Clock,
  type Database,
  type Stage,
  type Tx,
} from '@vouch/platform';
import { sealCheckpoint } from './domain/audit-checkpoint.js';
import { openHead, type AuditKey, type Head } from './domain/audit-keys.js';
import type { Signer } from './signer.port.js';

/** What was written since the last signed checkpoint is not what follows it: nothing more is signed. */
export class AuditTrailBroken extends Error {
  readonly code = 'audit-trail-broken';
  constructor({ chain, seq, problem }: BrokenEntry) {
    super(
      `Entry ${seq} of the audit chain ${chain} ${problem}. No checkpoint is signed: run \`npm run audit -- verify\` and compare with an export.`,
    );
  }
}

/** How many signed heads are read at a time on the way back to one that counts. */
const HEADS = 100;
const PAGE = 1000;

/**
 * Signs the ends of the audit chains with a key that is not in the database, after checking that what was written since
 * the last head follows it. A head whose key was revoked is no ground to build on: the walk begins at the last one whose
 * key still counts, and what a revoked key signed in its time must be met on the way. So the present key signs for the
 * whole chain again, and no head that does not count can stop it. Keys: a chain's name.
 */
export class SignAuditHeadsStage implements Stage {
  readonly name = 'audit';
  readonly wakes = {};
  readonly concurrency = 1;

  /**
   * @param keys all that ever signed: after a rotation more than the signer's own
   * @param everySeconds at least so long between two checkpoints of a chain
   * @param keep also puts each signed checkpoint where the database's owner cannot reach it
   */
  constructor(
    private readonly database: Database,
    private readonly signer: Signer,
    private readonly keys: readonly AuditKey[],
    private readonly clock: Clock,
    private readonly everySeconds: number,
    private readonly keep: (envelope: DsseEnvelope) => Promise<void>,
  ) {}

  /** Chains with something new, and those whose last head was signed by a key that counts no more. */
  async pending(): Promise<string[]> {
    const rows = await this.database.read<{ chain: string }>(
      shared,
      `select e.chain from (
         select $1 as chain, null::uuid as tenant_id, null::uuid as msp_id, seq from platform_audit_head
         union all
         select t.tenant_id::text, t.tenant_id, null, last.owner_seq from identity_tenant t
           join lateral (select owner_seq from platform_audit a where a.tenant_id = t.tenant_id and owner_seq is not null
                          order by owner_seq desc limit 1) last on true
         union all
         select m.id::text, null, m.id, last.owner_seq from identity_msp m
           join lateral (select owner_seq from platform_audit a where a.msp_id = m.id
                          order by owner_seq desc limit 1) last on true) e
         left join lateral (select seq, at, envelope #>> '{signatures,0,keyid}' as key_id from platform_audit_checkpoint c
                             where c.tenant_id is not distinct from e.tenant_id and c.msp_id is not distinct from e.msp_id
                             order by seq desc, id desc limit 1) signed on true
        where e.seq > 0 and (signed.at is null or signed.key_id <> all ($3)
                              or (e.seq <> signed.seq and signed.at <= $2))`,
      [
        INSTALLATION_CHAIN,
        new Date(this.clock().getTime() - this.everySeconds * 1000),
        this.keys.filter(({ revokedAt }) => revokedAt === null).map(({ keyId }) => keyId),
      ],
    );
    return rows.map((row) => row.chain);
  }

  async process(chain: string): Promise<void> {
    const envelope = await this.database.transaction(shared, async (tx) => {
      // One signer at a time: two could sign two ends of one chain in the wrong order.
      await tx.query(`select pg_advisory_xact_lock(hashtext('audit checkpoint ' || $1))`, [chain]);
      const whose = await ownerOf(tx, chain);
      const head = await this.checkedHead(tx, chain, whose);
      if (head === null) return null;
      const signed = await sealCheckpoint({ chain, ...head, at: this.clock().toISOString() }, this.signer);
      await tx.query(
        'insert into platform_audit_checkpoint (tenant_id, msp_id, seq, at, envelope) values ($1, $2, $3, $4, $5)',
        [whose.tenantId, whose.mspId, head.seq, this.clock(), JSON.stringify(signed)],
      );
      return signed;
    });
    if (envelope !== null) await this.keep(envelope);
  }

  /** The chain's end, walked to from the last head whose key counts; null when there is nothing new. */
  private async checkedHead(tx: Tx, chain: string, whose: Owner): Promise<{ seq: number; hash: string } | null> {
    const { ground, onTheWay } = await this.lastHeads(tx, whose);
    const check = new ChainCheck(
      chain,
      onTheWay.map(({ checkpoint }) => checkpoint),
      ground,
    );
    const whole = chain === INSTALLATION_CHAIN;
    const linkOf = (row: AuditRow) => (whole ? installationLink(row) : ownerLinkOf(row));
    const rowsFrom = (seq: number, limit: number): Promise<AuditRow[]> =>
      whole
        ? tx.query('select * from platform_audit where seq >= $1 order by seq limit $2', [seq, limit])
        : tx.query(
            `select * from platform_audit where ${whose.mspId === null ? 'tenant_id' : 'msp_id'} = $3 and owner_seq >= $1
              order by owner_seq limit $2`,
            [seq, limit, chain],
          );
    const [signed] = await rowsFrom(ground.seq, 1);
    if (ground.seq > 0 && (!signed || linkOf(signed)?.hash !== ground.hash))
      throw new AuditTrailBroken({ chain, seq: ground.seq, problem: 'is not the one that was signed' });
    for (;;) {
      const rows = await rowsFrom(check.head.seq + 1, PAGE);
      for (const row of rows) {
        const link = linkOf(row);
        const broken = link && check.next(link);
        if (broken) throw new AuditTrailBroken(broken);
      }
      if (rows.length < PAGE) break;
    }
    const cut = check.end();
    if (cut) throw new AuditTrailBroken(cut);
    return check.head.seq === ground.seq ? null : check.head;
  }

  /** The last head whose key counts, or the chain's start; and those after it that a key signed before it was revoked. */
  private async lastHeads(
    tx: Tx,
    { tenantId, mspId }: Owner,
  ): Promise<{ ground: { seq: number; hash: string }; onTheWay: Head[] }> {
    const onTheWay: Head[] = [];
    for (let skipped = 0; ; skipped += HEADS) {
      const rows = await tx.query<{ envelope: DsseEnvelope }>(
        `select envelope from platform_audit_checkpoint
          where tenant_id is not distinct from $1::uuid and msp_id is not distinct from $2::uuid
          order by seq desc, id desc offset $3 limit ${HEADS}`,
        [tenantId, mspId, skipped],
      );
      for (const { envelope } of rows) {
        const head = openHead(envelope, this.keys);
        if ('problem' in head) continue;
        if (!head.keyRevokedLater) return { ground: head.checkpoint, onTheWay };
        onTheWay.push(head);
      }
      if (rows.length < HEADS) return { ground: { seq: 0, hash: CHAIN_START }, onTheWay };
    }
  }
}

/** Whose chain it is; both null for the installation's. */
interface Owner {
  readonly tenantId: string | null;
  readonly mspId: string | null;
}

async function ownerOf(tx: Tx, chain: string): Promise<Owner> {
  if (chain === INSTALLATION_CHAIN) return { tenantId: null, mspId: null };
  const [msp] = await tx.query('select 1 from identity_msp where id = $1', [chain]);
  return msp ? { tenantId: null, mspId: chain } : { tenantId: chain, mspId: null };
}
