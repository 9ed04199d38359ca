import { audit, newId, sha256Hex, shared, type Clock, type Database } from '@vouch/platform';
import { actorOf, scopeOf, type CallerContext } from './context.js';
import { ApiKeyRefused, effectiveGrant, grantKey, type KeyWish } from './domain/api-key.js';
import type { Action, Role } from './domain/permissions.js';
import { actFor, ownerOf } from './owner.js';
import { newSecretToken } from './secret-token.js';

export const API_KEY_PREFIX = 'vk';
const HINT_LENGTH = 8;
const DAY_MS = 86_400_000;
const LONGEST_DAYS = 365;
const NOTE_EVERY_MS = 30_000;

export interface NewKey extends KeyWish {
  readonly name: string;
  /** 1 to 365. */
  readonly expiresInDays: number;
}

/** Keys with which programs act for a member: random, kept as SHA-256, always expiring, ended with their maker. */
export class ApiKeys {
  private readonly used = new Map<string, Date>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * @returns the key, shown once
   * @throws ApiKeyRefused
   */
  async create(caller: CallerContext, wish: NewKey): Promise<{ id: string; key: string }> {
    if (caller.kind !== 'member') throw new ApiKeyRefused('Only people make keys; a key makes none.');
    const owner = ownerOf(caller, 'api-key:create');
    const grant = grantKey(caller, wish);
    const { secret, sha256 } = newSecretToken(API_KEY_PREFIX);
    const id = newId();
    const now = this.clock();
    const expiresAt = new Date(now.getTime() + Math.min(wish.expiresInDays, LONGEST_DAYS) * DAY_MS);
    await this.database.transaction(scopeOf(caller), async (tx) => {
      await actFor(tx, owner);
      await tx.query(
        `insert into identity_api_key (id, owner_id, maker, name, hint, secret_sha256, role, actions, reach, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
        [
          id,
          owner,
          caller.id,
          wish.name,
          `${secret.slice(0, HINT_LENGTH)}…`,
          sha256,
          grant.role,
          grant.actions,
          grant.tenantIds,
          now,
          expiresAt,
        ],
      );
      audit(tx, {
        tenantId: owner === caller.mspId ? null : owner,
        mspId: caller.mspId,
        at: now,
        actor: actorOf(caller),
        action: 'api-key.create',
        subject: `api-key:${id}`,
        from: caller.from,
        why: `For "${wish.name}"`,
        detail: { owner, role: grant.role, actions: grant.actions, tenants: grant.tenantIds, expiresAt },
      });
    });
    return { id, key: secret };
  }

  /** Ends a key at once. @returns false when the caller has no such key, or it is revoked already */
  async revoke(caller: CallerContext, id: string): Promise<boolean> {
    const owner = ownerOf(caller, 'api-key:revoke');
    return this.database.transaction(scopeOf(caller), async (tx) => {
      await actFor(tx, owner);
      const now = this.clock();
      const revoked = await tx.query(
        'update identity_api_key set revoked_at = $2, revoked_by = $3 where id = $1 and revoked_at is null returning id',
        [id, now, actorOf(caller)],
      );
      if (revoked.length === 0) return false;
      audit(tx, {
        tenantId: owner === caller.mspId ? null : owner,
        mspId: caller.mspId,
        at: now,
        actor: actorOf(caller),
        action: 'api-key.revoke',
        subject: `api-key:${id}`,
        from: caller.from,
        why: 'Revoked on request',
        detail: { owner },
      });
      return true;
    });
  }

  /** Who acts with this key; null when it is unknown, revoked or expired, or its maker is gone. */
  async find(key: string, request: Pick<CallerContext, 'correlationId' | 'from'>): Promise<CallerContext | null> {
    const [row] = await this.database.read<{
      id: string;
      name: string;
      email: string;
      role: Role;
      maker_role: Role;
      actions: string[];
      for_some_tenants: boolean;
      msp_id: string;
      msp: string;
      tenant_ids: string[];
    }>(shared, 'select * from identity_find_api_key($1, $2)', [sha256Hex(key), this.clock()]);
    if (!row) return null;
    const { id, name, email, msp_id: mspId, msp, tenant_ids: tenantIds } = row;
    this.used.set(id, this.clock());
    const grant: { role: Role; actions: ReadonlySet<Action> } = effectiveGrant(
      { ...row, forSomeTenants: row.for_some_tenants },
      row.maker_role,
    );
    return {
      kind: 'api-key',
      id,
      name,
      email,
      mspId,
      msp,
      tenantIds,
      steppedUpAt: null,
      sessionId: null,
      secondFactor: 'done',
      ...grant,
      ...request,
    };
  }

  /** Writes down now and then which keys were used: one statement for all of them, not one for each request. */
  start(): void {
    this.timer = setInterval(() => void this.noteUses().catch(() => undefined), NOTE_EVERY_MS).unref();
  }

  async noteUses(): Promise<void> {
    if (this.used.size === 0) return;
    const uses = [...this.used];
    this.used.clear();
    await this.database.transaction(shared, (tx) =>
      tx.query('select identity_note_api_key_use($1::uuid[], $2::timestamptz[])', [
        uses.map(([id]) => id),
        uses.map(([, at]) => at),
      ]),
    );
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.noteUses().catch(() => undefined);
  }
}
