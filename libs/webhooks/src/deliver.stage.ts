import {
  audit,
  newId,
  shared,
  type Clock,
  type Database,
  type SafeFetch,
  type SealedBox,
  type Stage,
  type Tx,
} from '@vouch/platform';
import { givenUp, nextTry } from './domain/patience.js';
import { signedHeaders } from './domain/signature.js';
import { secretPlace } from './endpoints.js';

const TIMEOUT_MS = 10_000;
/** Longer than an attempt takes: another worker may not send the same message meanwhile. */
const CLAIM_MS = 30_000;
const KEPT_BYTES = 500;

interface Claimed {
  id: string;
  endpoint_id: string;
  owner_id: string;
  event_id: number;
  message: string;
  attempts: number;
  tries_left: number;
  url: string;
  secret_sealed: string;
  old_secret_sealed: string | null;
  old_secret_until: Date | null;
}

interface Attempt {
  readonly at: Date;
  readonly status: number | null;
  readonly durationMs: number;
  readonly answer: string;
  readonly error: string;
}

/**
 * Sends messages until the receiver has said yes (any 2xx). An attempt is claimed before it is made and noted after it,
 * so that two workers never send at once and a message that was acknowledged is not sent again.
 */
export class DeliverWebhookStage implements Stage {
  readonly name = 'webhook-delivery';
  readonly concurrency = 8;
  readonly wakes = {};

  constructor(
    private readonly database: Database,
    private readonly box: SealedBox,
    private readonly fetcher: SafeFetch,
    private readonly clock: Clock,
    private readonly chance: () => number = Math.random,
  ) {}

  async pending(): Promise<string[]> {
    const rows = await this.database.read<{ id: string }>(
      shared,
      `select d.id from webhook_delivery d join webhook_endpoint e on e.id = d.endpoint_id
        where d.state = 'waiting' and d.next_at <= $1 and e.disabled_at is null order by d.next_at limit 200`,
      [this.clock()],
    );
    return rows.map(({ id }) => id);
  }

  async process(deliveryId: string): Promise<void> {
    const claim = newId();
    const message = await this.claim(deliveryId, claim);
    if (message === undefined) return;
    const attempt = await this.send(message);
    await this.database.transaction(shared, (tx) => this.note(tx, message, claim, attempt));
  }

  private async claim(deliveryId: string, claim: string): Promise<Claimed | undefined> {
    const now = this.clock();
    const [row] = await this.database.read<Claimed>(
      shared,
      `update webhook_delivery d set claim = $2, next_at = $4, attempts = attempts + 1, tries_left = tries_left - 1
         from webhook_endpoint e
        where d.id = $1 and d.state = 'waiting' and d.next_at <= $3 and e.id = d.endpoint_id and e.disabled_at is null
       returning d.id, d.endpoint_id, d.owner_id, d.event_id, d.message, d.attempts, d.tries_left, e.url, e.secret_sealed,
                 e.old_secret_sealed, e.old_secret_until`,
      [deliveryId, claim, now, new Date(now.getTime() + CLAIM_MS)],
    );
    return row;
  }

  private async send(message: Claimed): Promise<Attempt> {
    const at = this.clock();
    const began = performance.now();
    const attempt = (rest: Omit<Attempt, 'at' | 'durationMs'>): Attempt => ({
      at,
      durationMs: Math.round(performance.now() - began),
      ...rest,
    });
    try {
      const place = secretPlace(message.endpoint_id);
      const sealed = [message.secret_sealed];
      if (message.old_secret_sealed && message.old_secret_until && message.old_secret_until > at)
        sealed.push(message.old_secret_sealed);
      const secrets = sealed.map((text) => this.box.open(text, place));
      const { status, body } = await this.fetcher.send(message.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'Vouch-Webhooks/1',
          ...signedHeaders(`msg_${message.event_id}`, at, message.message, secrets),
        },
        body: message.message,
        timeoutMs: TIMEOUT_MS,
        maxBytes: KEPT_BYTES,
      });
      return attempt({ status, answer: readable(body), error: '' });
    } catch (error) {
      return attempt({ status: null, answer: '', error: reasonOf(error) });
    }
  }

  private async note(tx: Tx, message: Claimed, claim: string, attempt: Attempt): Promise<void> {
    await tx.query(
      `insert into webhook_attempt (delivery_id, owner_id, attempt, at, status, duration_ms, answer, error)
       select $1, $2, $3, $4, $5, $6, $7, $8 where exists (select 1 from webhook_delivery where id = $1) on conflict do nothing`,
      [
        message.id,
        message.owner_id,
        message.attempts,
        attempt.at,
        attempt.status,
        attempt.durationMs,
        attempt.answer,
        attempt.error,
      ],
    );
    const now = this.clock();
    if (attempt.status !== null && attempt.status >= 200 && attempt.status < 300) {
      await tx.query(
        `update webhook_delivery set state = 'delivered', delivered_at = $2, next_at = null, claim = null where id = $1`,
        [message.id, now],
      );
      await tx.query('update webhook_endpoint set failing_since = null where id = $1 and failing_since is not null', [
        message.endpoint_id,
      ]);
      return;
    }
    const next = nextTry(message.tries_left, now, this.chance());
    await tx.query(
      `update webhook_delivery set state = case when $3::timestamptz is null then 'failed' else 'waiting' end, next_at = $3, claim = null
        where id = $1 and claim = $2`,
      [message.id, claim, next],
    );
    await this.noteFailure(tx, message, attempt.error || `It answered ${attempt.status}.`, now);
  }

  private async noteFailure(tx: Tx, message: Claimed, problem: string, now: Date): Promise<void> {
    const [endpoint] = await tx.query<{ failing_since: Date }>(
      `update webhook_endpoint set failing_since = coalesce(failing_since, $2) where id = $1 and disabled_at is null returning failing_since`,
      [message.endpoint_id, now],
    );
    const reason = endpoint && givenUp(endpoint.failing_since, now, problem);
    if (!reason) return;
    await tx.query(
      'update webhook_endpoint set disabled_at = $2, disabled_reason = $3, version = version + 1 where id = $1',
      [message.endpoint_id, now, reason],
    );
    audit(tx, {
      tenantId: null,
      at: now,
      actor: 'platform',
      action: 'webhook.disable',
      subject: `webhook:${message.endpoint_id}`,
      why: reason,
      detail: { owner: message.owner_id },
    });
  }
}

/** The answer as text that a database and a person can take. */
const readable = (body: Buffer): string =>
  // eslint-disable-next-line no-control-regex
  body.toString('utf8').replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '\ufffd');

/** What went wrong, in words, without the stack of a library. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'The request failed.';
  const cause = error.cause instanceof Error ? error.cause : error;
  if (cause.name === 'TimeoutError') return `There was no whole answer within ${TIMEOUT_MS / 1000} seconds.`;
  return cause.message.slice(0, KEPT_BYTES) || cause.name;
}
