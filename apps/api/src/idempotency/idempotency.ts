import { AsyncLocalStorage } from 'node:async_hooks';
import { newId, sha256Hex, shared, type Clock, type Database, type SealedBox, type Tx } from '@vouch/platform';

/** The key stands for another request. */
export class IdempotencyKeyReused extends Error {
  readonly code = 'idempotency-key-reused';
  constructor() {
    super('This Idempotency-Key was used for another request in the last 24 hours. Use a new one for a new request.');
  }
}
/** The same request is being worked on. */
export class RequestInFlight extends Error {
  readonly code = 'request-in-flight';
  readonly retryAfterSeconds = 1;
  constructor() {
    super('A request with this Idempotency-Key is still being worked on. Wait a moment and repeat it.');
  }
}
/** The change was made, but the process ended before it could answer. */
export class AnswerLost extends Error {
  readonly code = 'answer-lost';
  constructor() {
    super(
      'The change of this Idempotency-Key was made, but its answer was lost. Read the thing to see it; do not repeat the change.',
    );
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

interface Claim {
  readonly caller: string;
  readonly keySha256: string;
  readonly id: string;
  open: boolean;
}

const KEPT_MS = 24 * 3_600_000;
/** Longer than any change takes. A process that died without a change can be repeated after this. */
const CLAIM_MS = 30_000;

/**
 * Makes a repeated change the same change. A claim is written first; the transaction that makes the change marks the
 * claim in the same commit (so a crash never leaves a change that could be made again); the answer is kept, sealed, for
 * a day.
 */
export class Idempotency {
  private readonly current = new AsyncLocalStorage<Claim>();

  constructor(
    private readonly database: Database,
    private readonly box: SealedBox,
    private readonly clock: Clock,
  ) {
    database.beforeEachCommit((tx) => this.noteEffect(tx));
  }

  /**
   * @param request method, path and body
   * @throws IdempotencyKeyReused, RequestInFlight, AnswerLost
   */
  async once(
    caller: string,
    key: string,
    request: string,
    work: () => Promise<Answer>,
  ): Promise<Answer & { readonly replayed: boolean }> {
    const claim: Claim = { caller, keySha256: sha256Hex(key), id: newId(), open: true };
    const earlier = await this.claim(claim, sha256Hex(request));
    if (earlier !== null) return { ...earlier, replayed: true };
    try {
      const answer = await this.current.run(claim, work);
      claim.open = false;
      await this.keep(claim, answer);
      return { ...answer, replayed: false };
    } catch (error) {
      claim.open = false;
      await this.release(claim);
      throw error;
    }
  }

  private async claim(claim: Claim, requestSha256: string): Promise<Answer | null> {
    const now = this.clock();
    return this.database.transaction(shared, async (tx) => {
      await tx.query(
        `delete from api_idempotency where ctid in (select ctid from api_idempotency where expires_at < $1 limit 100 for update skip locked)`,
        [now],
      );
      const [taken] = await tx.query(
        `insert into api_idempotency as i (caller, key_sha256, request_sha256, state, claim, claimed_until, expires_at)
         values ($1, $2, $3, 'claimed', $4, $5, $6)
         on conflict (caller, key_sha256) do update set claim = excluded.claim, claimed_until = excluded.claimed_until
          where i.state = 'claimed' and i.claimed_until < $7 and i.request_sha256 = excluded.request_sha256 returning 1`,
        [
          claim.caller,
          claim.keySha256,
          requestSha256,
          claim.id,
          new Date(now.getTime() + CLAIM_MS),
          new Date(now.getTime() + KEPT_MS),
          now,
        ],
      );
      if (taken) return null;
      const [row] = await tx.query<{
        request_sha256: string;
        state: string;
        answer: string | null;
        claimed_until: Date;
      }>(
        'select request_sha256, state, answer, claimed_until from api_idempotency where caller = $1 and key_sha256 = $2',
        [claim.caller, claim.keySha256],
      );
      if (row && row.request_sha256 !== requestSha256) throw new IdempotencyKeyReused();
      if (row?.answer) return JSON.parse(this.box.open(row.answer, placeOf(claim))) as Answer;
      if (row?.state === 'applied' && row.claimed_until < now) throw new AnswerLost();
      throw new RequestInFlight();
    });
  }

  /** Before each commit: if it changes anything for a claimed request, the claim says so in the same commit. */
  private async noteEffect(tx: Tx): Promise<void> {
    const claim = this.current.getStore();
    if (!claim?.open) return;
    const [written] = await tx.query<{ yes: boolean }>('select pg_current_xact_id_if_assigned() is not null as yes');
    if (!written?.yes) return;
    const marked = await tx.query(
      `update api_idempotency set state = 'applied' where caller = $1 and key_sha256 = $2 and claim = $3 returning 1`,
      [claim.caller, claim.keySha256, claim.id],
    );
    // Somebody else took the claim over: this change must not be made.
    if (marked.length === 0) throw new RequestInFlight();
  }

  private async keep(claim: Claim, answer: Answer): Promise<void> {
    await this.database.transaction(shared, (tx) =>
      tx.query(
        `update api_idempotency set state = 'answered', answer = $4 where caller = $1 and key_sha256 = $2 and claim = $3`,
        [claim.caller, claim.keySha256, claim.id, this.box.seal(JSON.stringify(answer), placeOf(claim))],
      ),
    );
  }

  /** A refused request that changed nothing can be sent again at once; one that changed something stays marked. */
  private async release(claim: Claim): Promise<void> {
    await this.database.transaction(shared, async (tx) => {
      await tx.query(
        `delete from api_idempotency where caller = $1 and key_sha256 = $2 and claim = $3 and state = 'claimed'`,
        [claim.caller, claim.keySha256, claim.id],
      );
      await tx.query(
        `update api_idempotency set claimed_until = $4 where caller = $1 and key_sha256 = $2 and claim = $3`,
        [claim.caller, claim.keySha256, claim.id, new Date(this.clock().getTime() - 1)],
      );
    });
  }
}

const placeOf = ({ caller, keySha256 }: Claim): string => `idempotency:${caller}:${keySha256}`;
