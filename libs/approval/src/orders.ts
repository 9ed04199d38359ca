import type { NewHold, NewWaiver } from '@vouch/contracts';
import { actFor, actorOf, ownerOf, scopeOf, type Action, type CallerContext } from '@vouch/identity';
import { audit, newId, publish, type Clock, type Database, type Tx } from '@vouch/platform';

/** The same was ordered before, and that still holds. */
export class AlreadyOrdered extends Error {
  readonly code = 'already-ordered';
  constructor(what: 'hold' | 'waiver') {
    super(`Your MSP has such a ${what} already. End that first, to order it for another reason.`);
  }
}

/** A waiver makes up for what a verdict says against a patch; this one is too old to say anything. */
export class VerdictExpired extends Error {
  readonly code = 'verdict-expired';
  constructor() {
    super('This verdict does not count any more: the patch has to be tested again first.');
  }
}

const DAY_MS = 86_400_000;
const RIGHTS = { hold: 'hold:manage', waiver: 'waiver:manage' } as const satisfies Record<string, Action>;
/** Orders are given only on patches that the caller may see. */
const needed = (revision: string): string => `exists (select 1 from fleet_need n where n.revision_id = ${revision})`;
type Kind = keyof typeof RIGHTS;

/**
 * What members of an MSP order for all its customers, beside what policies decide: that a revision is held, or that one
 * verdict's doubts are waived for a time. Orders take effect when the revision is decided anew, and end by being ended.
 */
export class Orders {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @returns the hold's id; null when no machine of the caller's tenants needs or needed such a revision @throws AlreadyOrdered */
  hold(caller: CallerContext, { revisionId, why }: NewHold): Promise<string | null> {
    return this.acting(caller, 'hold', async (tx, owner) => {
      const known = await tx.query(`select 1 from catalog_revision r where r.id = $1 and ${needed('r.id')}`, [
        revisionId,
      ]);
      return known.length === 0
        ? null
        : this.order(tx, caller, owner, { kind: 'hold', revisionId, why, at: this.clock() });
    });
  }

  /** @returns the waiver's id; null when there is no such verdict on a patch that they need or needed @throws AlreadyOrdered, VerdictExpired */
  waive(caller: CallerContext, { verdictId, why, days }: NewWaiver): Promise<string | null> {
    return this.acting(caller, 'waiver', async (tx, owner) => {
      const [verdict] = await tx.query<{ revision_id: string; expires_at: Date }>(
        `select r.revision_id, r.expires_at from lab_verdict r where r.id = $1 and ${needed('r.revision_id')}`,
        [verdictId],
      );
      if (verdict === undefined) return null;
      const at = this.clock();
      if (verdict.expires_at <= at) throw new VerdictExpired();
      const until = new Date(Math.min(at.getTime() + days * DAY_MS, verdict.expires_at.getTime()));
      // What has run out makes room for a new one.
      await tx.query(
        `update approval_order set ended_at = until, ended_by = 'platform'
          where kind = 'waiver' and verdict_id = $1 and ended_at is null and until <= $2`,
        [verdictId, at],
      );
      return this.order(tx, caller, owner, {
        kind: 'waiver',
        revisionId: verdict.revision_id,
        why,
        at,
        verdictId,
        until,
      });
    });
  }

  /** Ends an order. @returns false when the caller's MSP has none of this id that still holds */
  end(caller: CallerContext, kind: Kind, id: string): Promise<boolean> {
    return this.acting(caller, kind, async (tx, owner) => {
      const [ended] = await tx.query<{ revision_id: string }>(
        `update approval_order set ended_at = $3, ended_by = $4
          where id = $1 and kind = $2 and ended_at is null returning revision_id`,
        [id, kind, this.clock(), actorOf(caller)],
      );
      if (ended === undefined) return false;
      await this.note(tx, caller, owner, `${kind}.end`, id, ended.revision_id, 'It is over');
      return true;
    });
  }

  private async order(
    tx: Tx,
    caller: CallerContext,
    owner: string,
    order: { kind: Kind; revisionId: string; why: string; at: Date; verdictId?: string; until?: Date },
  ): Promise<string> {
    const id = newId();
    const made = await tx.query(
      `insert into approval_order (id, msp_id, kind, revision_id, verdict_id, why, ordered_by, name, ordered_at, until)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing returning id`,
      [
        id,
        owner,
        order.kind,
        order.revisionId,
        order.verdictId ?? null,
        order.why,
        actorOf(caller),
        caller.name,
        order.at,
        order.until ?? null,
      ],
    );
    if (made.length === 0) throw new AlreadyOrdered(order.kind);
    await this.note(tx, caller, owner, `${order.kind}.order`, id, order.revisionId, order.why);
    return id;
  }

  private async note(
    tx: Tx,
    caller: CallerContext,
    owner: string,
    action: string,
    id: string,
    revisionId: string,
    why: string,
  ): Promise<void> {
    audit(tx, {
      tenantId: null,
      mspId: owner,
      at: this.clock(),
      actor: actorOf(caller),
      action,
      subject: `order:${id}`,
      why,
      from: caller.from,
      detail: { owner, revisionId },
    });
    await publish(tx, { topic: 'approval.ordered', payload: { revisionId }, correlationId: caller.correlationId });
  }

  private acting<T>(caller: CallerContext, kind: Kind, work: (tx: Tx, owner: string) => Promise<T>): Promise<T> {
    const owner = ownerOf(caller, RIGHTS[kind]);
    return this.database.transaction(scopeOf(caller), async (tx) => {
      await actFor(tx, owner);
      return work(tx, owner);
    });
  }
}
