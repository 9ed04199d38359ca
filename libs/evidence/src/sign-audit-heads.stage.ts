import { INSTALLATION_CHAIN, type DsseEnvelope } from '@vouch/contracts';
import {
  CHAIN_START,
  ChainCheck,
  installationLink,
  shared,
  tenantLinkOf,
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
         select $1 as chain, null::uuid as tenant_id, seq from platform_audit_head
         union all
         select t.tenant_id::text, t.tenant_id, last.tenant_seq from identity_tenant t
           join lateral (select tenant_seq from platform_audit a where a.tenant_id = t.tenant_id and tenant_seq is not null
                          order by tenant_seq desc limit 1) last on true) e
         left join lateral (select seq, at, envelope #>> '{signatures,0,keyid}' as key_id from platform_audit_checkpoint c
                             where c.tenant_id is not distinct from e.tenant_id order by seq desc, id desc limit 1) signed on true
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
      const tenantId = chain === INSTALLATION_CHAIN ? null : chain;
      // One signer at a time: two could sign two ends of one chain in the wrong order.
      await tx.query(`select pg_advisory_xact_lock(hashtext('audit checkpoint ' || $1))`, [chain]);
      const head = await this.checkedHead(tx, chain, tenantId);
      if (head === null) return null;
      const signed = await sealCheckpoint({ chain, ...head, at: this.clock().toISOString() }, this.signer);
      await tx.query('insert into platform_audit_checkpoint (tenant_id, seq, at, envelope) values ($1, $2, $3, $4)', [
        tenantId,
        head.seq,
        this.clock(),
        JSON.stringify(signed),
      ]);
      return signed;
    });
    if (envelope !== null) await this.keep(envelope);
  }

  /** The chain's end, walked to from the last head whose key counts; null when there is nothing new. */
  private async checkedHead(
    tx: Tx,
    chain: string,
    tenantId: string | null,
  ): Promise<{ seq: number; hash: string } | null> {
    const { ground, onTheWay } = await this.lastHeads(tx, tenantId);
    const check = new ChainCheck(
      chain,
      onTheWay.map(({ checkpoint }) => checkpoint),
      ground,
    );
    const column = tenantId === null ? 'seq' : 'tenant_seq';
    const linkOf = (row: AuditRow) => (tenantId === null ? installationLink(row) : tenantLinkOf(row));
    const [signed] = await tx.query<AuditRow>(
      `select * from platform_audit where ${column} = $1 and ($2::uuid is null or tenant_id = $2)`,
      [ground.seq, tenantId],
    );
    if (ground.seq > 0 && (!signed || linkOf(signed)?.hash !== ground.hash))
      throw new AuditTrailBroken({ chain, seq: ground.seq, problem: 'is not the one that was signed' });
    for (;;) {
      const rows = await tx.query<AuditRow>(
        `select * from platform_audit where ${column} > $1 and ($2::uuid is null or tenant_id = $2) order by ${column} limit 1000`,
        [check.head.seq, tenantId],
      );
      for (const row of rows) {
        const link = linkOf(row);
        const broken = link && check.next(link);
        if (broken) throw new AuditTrailBroken(broken);
      }
      if (rows.length < 1000) break;
    }
    const cut = check.end();
    if (cut) throw new AuditTrailBroken(cut);
    return check.head.seq === ground.seq ? null : check.head;
  }

  /** The last head whose key counts, or the chain's start; and those after it that a key signed before it was revoked. */
  private async lastHeads(
    tx: Tx,
    tenantId: string | null,
  ): Promise<{ ground: { seq: number; hash: string }; onTheWay: Head[] }> {
    const onTheWay: Head[] = [];
    for (let skipped = 0; ; skipped += HEADS) {
      const rows = await tx.query<{ envelope: DsseEnvelope }>(
        `select envelope from platform_audit_checkpoint where tenant_id is not distinct from $1::uuid
          order by seq desc, id desc offset $2 limit ${HEADS}`,
        [tenantId, skipped],
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
