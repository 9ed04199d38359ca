import { randomBytes } from 'node:crypto';
import type { NewWebhookEndpoint, WebhookEndpointChange } from '@vouch/contracts';
import { actFor, actorOf, ownerOf, scopeOf, type CallerContext } from '@vouch/identity';
import { audit, newId, type Clock, type Database, type SafeFetch, type SealedBox, type Tx } from '@vouch/platform';
import { TRIES } from './domain/patience.js';
import { secretOf } from './domain/signature.js';

/** What somebody can change of an endpoint, as the audit trail tells it. */
const STATE = `url, description, event_types as "eventTypes", disabled_at is not null as disabled`;
interface EndpointState {
  readonly url: string;
  readonly description: string;
  readonly eventTypes: readonly string[];
  readonly disabled: boolean;
}

/** The endpoint was changed by somebody else since it was read. */
export class EndpointChanged extends Error {
  readonly code = 'changed-meanwhile';
  constructor() {
    super('The webhook endpoint was changed since you read it. Read it again and repeat the change if it still fits.');
  }
}

/** So many endpoints are no use to anybody. */
export class TooManyEndpoints extends Error {
  readonly code = 'too-many-endpoints';
  constructor() {
    super(`There are ${MOST_ENDPOINTS} webhook endpoints already. Remove one first.`);
  }
}

const MOST_ENDPOINTS = 20;
const SECRET_BYTES = 32;
const OVERLAP_MS = 24 * 3_600_000;
export const secretPlace = (endpointId: string): string => `webhook-secret:${endpointId}`;

/** What members do with their webhook endpoints. */
export class WebhookEndpoints {
  constructor(
    private readonly database: Database,
    private readonly box: SealedBox,
    private readonly fetcher: SafeFetch,
    private readonly clock: Clock,
  ) {}

  /**
   * @returns the signing secret, shown once
   * @throws AddressRefused, TooManyEndpoints
   */
  async create(caller: CallerContext, wish: NewWebhookEndpoint): Promise<{ id: string; secret: string }> {
    this.fetcher.check(wish.url);
    const id = newId();
    const secret = secretOf(randomBytes(SECRET_BYTES));
    await this.changing(caller, async (tx, owner) => {
      await tx.query(`select pg_advisory_xact_lock(hashtextextended($1, 0))`, [`webhooks of ${owner}`]);
      const [count] = await tx.query<{ n: number }>('select count(*)::int as n from webhook_endpoint');
      if ((count?.n ?? 0) >= MOST_ENDPOINTS) throw new TooManyEndpoints();
      await tx.query(
        `insert into webhook_endpoint (id, owner_id, url, description, event_types, secret_sealed, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)`,
        [
          id,
          owner,
          wish.url,
          wish.description ?? '',
          wish.eventTypes,
          this.box.seal(secret, secretPlace(id)),
          this.clock(),
        ],
      );
      this.note(tx, caller, owner, 'create', id, 'To send events there', {
        url: wish.url,
        eventTypes: wish.eventTypes,
      });
    });
    return { id, secret };
  }

  /**
   * @returns false when the caller has no such endpoint
   * @throws EndpointChanged, AddressRefused
   */
  async change(caller: CallerContext, id: string, version: number, wish: WebhookEndpointChange): Promise<boolean> {
    if (wish.url !== undefined) this.fetcher.check(wish.url);
    return this.changing(caller, async (tx, owner) => {
      const [known] = await tx.query<EndpointState & { version: number }>(
        `select version, ${STATE} from webhook_endpoint where id = $1 for update`,
        [id],
      );
      if (!known) return false;
      if (known.version !== version) throw new EndpointChanged();
      const [after] = await tx.query<EndpointState>(
        `update webhook_endpoint set url = coalesce($2, url), event_types = coalesce($3, event_types),
                description = coalesce($4, description), version = version + 1,
                disabled_at = case when $5::text = 'disabled' then coalesce(disabled_at, $6) when $5::text = 'enabled' then null else disabled_at end,
                disabled_reason = case when $5::text = 'disabled' and disabled_at is null then 'Disabled on request' when $5::text = 'enabled' then '' else disabled_reason end,
                failing_since = case when $5::text = 'enabled' then null else failing_since end
          where id = $1 returning ${STATE}`,
        [id, wish.url ?? null, wish.eventTypes ?? null, wish.description ?? null, wish.state ?? null, this.clock()],
      );
      const { version: _, ...before } = known;
      this.note(tx, caller, owner, 'change', id, 'Changed on request', { before, after });
      return true;
    });
  }

  /** Removes the endpoint with its log. @returns false when the caller has none of this id */
  async remove(caller: CallerContext, id: string): Promise<boolean> {
    return this.changing(caller, async (tx, owner) => {
      const gone = await tx.query('delete from webhook_endpoint where id = $1 returning id', [id]);
      if (gone.length > 0) this.note(tx, caller, owner, 'remove', id, 'Removed on request');
      return gone.length > 0;
    });
  }

  /** A new secret; for a day messages carry signatures of both. @returns null when the caller has no such endpoint */
  async rotateSecret(caller: CallerContext, id: string): Promise<string | null> {
    const secret = secretOf(randomBytes(SECRET_BYTES));
    return this.changing(caller, async (tx, owner) => {
      const now = this.clock();
      const rotated = await tx.query(
        `update webhook_endpoint set old_secret_sealed = secret_sealed, old_secret_until = $3, secret_sealed = $2, version = version + 1
          where id = $1 returning id`,
        [id, this.box.seal(secret, secretPlace(id)), new Date(now.getTime() + OVERLAP_MS)],
      );
      if (rotated.length === 0) return null;
      this.note(tx, caller, owner, 'rotate-secret', id, 'A new secret was asked for');
      return secret;
    });
  }

  /**
   * Sends messages again: one, or all since a time. Receivers know them by their `webhook-id`.
   * @returns how many; null when the caller has no such endpoint or message
   */
  async replay(
    caller: CallerContext,
    endpointId: string,
    which: { readonly deliveryId: string } | { readonly since: Date },
  ): Promise<number | null> {
    const [column, value] = 'since' in which ? ['created_at >= ', which.since] : ['id = ', which.deliveryId];
    return this.changing(caller, async (tx, owner) => {
      const [endpoint] = await tx.query('select 1 from webhook_endpoint where id = $1', [endpointId]);
      const again = await tx.query(
        `update webhook_delivery set state = 'waiting', next_at = $3, tries_left = $4
          where endpoint_id = $1 and state <> 'waiting' and ${column} $2 returning id`,
        [endpointId, value, this.clock(), TRIES],
      );
      if (!endpoint) return null;
      if ('deliveryId' in which && again.length === 0) {
        const [known] = await tx.query('select 1 from webhook_delivery where endpoint_id = $1 and id = $2', [
          endpointId,
          value,
        ]);
        if (!known) return null;
      }
      this.note(tx, caller, owner, 'replay', endpointId, 'Messages are sent again on request', {
        messages: again.length,
      });
      return again.length;
    });
  }

  private changing<T>(caller: CallerContext, work: (tx: Tx, owner: string) => Promise<T>): Promise<T> {
    const owner = ownerOf(caller, 'webhook:manage');
    return this.database.transaction(scopeOf(caller), async (tx) => {
      await actFor(tx, owner);
      return work(tx, owner);
    });
  }

  private note(
    tx: Tx,
    caller: CallerContext,
    owner: string,
    what: string,
    id: string,
    why: string,
    detail: Record<string, unknown> = {},
  ): void {
    audit(tx, {
      tenantId: owner === caller.mspId ? null : owner,
      mspId: caller.mspId,
      at: this.clock(),
      actor: actorOf(caller),
      action: `webhook.${what}`,
      subject: `webhook:${id}`,
      why,
      from: caller.from,
      detail: { owner, ...detail },
    });
  }
}
