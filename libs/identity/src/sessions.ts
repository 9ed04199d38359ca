import { sha256Hex, shared, type Clock, type Database, type Origin, type Tx } from '@vouch/platform';
import { actAs } from './act-as.js';
import { auditMember } from './audit-member.js';
import { actorOf, type CallerContext } from './context.js';
import type { Role } from './domain/permissions.js';
import { secondFactorState } from './domain/second-factor.js';
import { newSecretToken } from './secret-token.js';

/** How somebody proved who they are. */
export interface Proof {
  readonly method: 'password' | 'passkey' | 'single-sign-on';
  /** Whether that was more than one factor: a passkey with user verification, or what the identity provider vouches for. */
  readonly secondFactor: boolean;
}

/** The secret of a session, for a cookie; only its SHA-256 is stored. */
export interface SessionSecret {
  readonly secret: string;
  readonly expiresAt: Date;
}

/** The proof is good, and the organisation wants its members to sign in with its own identity provider. */
export class SingleSignOnNeeded extends Error {
  readonly code = 'single-sign-on-needed';
  constructor(mspId: string) {
    super(`Your organisation asks you to sign in with its identity provider: /api/v1/session/single-sign-on/${mspId}`);
  }
}

export interface SessionView {
  readonly id: string;
  readonly method: Proof['method'];
  readonly address: string;
  readonly userAgent: string;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
  readonly expiresAt: Date;
}

export const SESSION_HOURS = 12;
export const IDLE_MINUTES = 60;
const SEEN_EVERY_MS = 60_000;
const PREFIX = 'vs';
const UNKNOWN: Origin = { address: '', userAgent: '' };

interface SessionRow {
  readonly session_id: string;
  readonly member_id: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly msp_id: string | null;
  readonly msp: string;
  readonly tenant_ids: string[];
  readonly second_factor_at: Date | null;
  readonly stepped_up_at: Date | null;
  readonly last_seen_at: Date;
  readonly has_factor: boolean;
}

/** Sessions of people: opaque secrets, ended by time, idleness, sign-out or their owner. */
export class Sessions {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Begins a session for somebody who has just proved who they are; the secret is new each time (session fixation).
   * Every way in leads here, so here is where an organisation's own provider is insisted on.
   * @throws SingleSignOnNeeded
   */
  async begin(memberId: string, proof: Proof, origin: Origin = UNKNOWN): Promise<SessionSecret> {
    const { secret, sha256 } = newSecretToken(PREFIX);
    const now = this.clock();
    const expiresAt = new Date(now.getTime() + SESSION_HOURS * 3_600_000);
    await this.database.transaction(shared, async (tx) => {
      await actAs(tx, memberId);
      if (proof.method !== 'single-sign-on') await refuseElsewhere(tx);
      await tx.query(
        `insert into identity_session (token_sha256, member_id, created_at, expires_at, method, second_factor_at, stepped_up_at,
                                       last_seen_at, address, user_agent)
         values ($1, $2, $3, $4, $5, $6,
                 -- Fresh, if there is no factor that was not proved.
                 case when $6::timestamptz is not null
                        or not exists (select 1 from identity_totp where member_id = $2 and confirmed_at is not null)
                           and not exists (select 1 from identity_passkey where member_id = $2) then $3::timestamptz end,
                 $3, $7, $8)`,
        [
          sha256,
          memberId,
          now,
          expiresAt,
          proof.method,
          proof.secondFactor ? now : null,
          origin.address,
          origin.userAgent.slice(0, 300),
        ],
      );
      await auditMember(tx, memberId, {
        at: now,
        actor: `member:${memberId}`,
        action: 'session.begin',
        why: `Signed in by ${proof.method}`,
        from: origin,
      });
    });
    return { secret, expiresAt };
  }

  /** Who a session belongs to, or null when there is none, it has ended, or was not used for an hour. */
  async find(secret: string, request: Pick<CallerContext, 'correlationId' | 'from'>): Promise<CallerContext | null> {
    const now = this.clock();
    const [row] = await this.database.read<SessionRow>(
      shared,
      'select * from identity_find_session($1, $2, make_interval(mins => $3))',
      [sha256Hex(secret), now, IDLE_MINUTES],
    );
    if (!row) return null;
    if (now.getTime() - row.last_seen_at.getTime() > SEEN_EVERY_MS)
      await this.database.transaction(shared, async (tx) => {
        await actAs(tx, row.member_id);
        await tx.query('update identity_session set last_seen_at = $2, address = $3 where id = $1', [
          row.session_id,
          now,
          request.from.address,
        ]);
      });
    return {
      kind: 'member',
      id: row.member_id,
      sessionId: row.session_id,
      mspId: row.msp_id,
      tenantIds: row.tenant_ids,
      email: row.email,
      name: row.name,
      role: row.role,
      msp: row.msp,
      actions: null,
      steppedUpAt: row.stepped_up_at,
      secondFactor: secondFactorState(row.role, row.has_factor, row.second_factor_at !== null),
      ...request,
    };
  }

  /**
   * Notes that the person has proved more, and changes the session's secret: what was known of the weaker session is
   * worth nothing.
   * @param proved `everyFactor` counts as a step-up now; a second factor alone is only as fresh as the password before it
   */
  async strengthen(
    tx: Tx,
    caller: CallerContext,
    proved: { secondFactor: boolean; everyFactor: boolean },
  ): Promise<SessionSecret> {
    const { secret, sha256 } = newSecretToken(PREFIX);
    const now = this.clock();
    const [row] = await tx.query<{ expires_at: Date }>(
      `update identity_session set token_sha256 = $2, last_seen_at = $3,
              stepped_up_at = case when $5 then $3 else greatest(stepped_up_at, created_at) end,
              second_factor_at = case when $4 then $3 else second_factor_at end
        where id = $1 and ended_at is null returning expires_at`,
      [caller.sessionId, sha256, now, proved.secondFactor, proved.everyFactor],
    );
    if (!row) throw new TypeError('The session of the request is gone.');
    return { secret, expiresAt: row.expires_at };
  }

  /** Is the caller's session still good? Unlike {@link find} this does not count as using it. */
  async lives(caller: CallerContext): Promise<boolean> {
    return (await this.list(caller)).some(({ id }) => id === caller.sessionId);
  }

  /** The caller's own sessions that still live, the newest first. */
  async list(caller: CallerContext): Promise<SessionView[]> {
    return this.database.transaction(shared, async (tx) => {
      await actAs(tx, caller.id);
      return tx.query<SessionView>(
        `select id, method, address, user_agent as "userAgent", created_at as "createdAt",
                coalesce(last_seen_at, created_at) as "lastSeenAt", expires_at as "expiresAt"
           from identity_session
          where ended_at is null and expires_at > $1 and coalesce(last_seen_at, created_at) > $1 - make_interval(mins => $2)
          order by created_at desc, id`,
        [this.clock(), IDLE_MINUTES],
      );
    });
  }

  /** Ends one of the caller's own sessions. @returns false when there is none of that id */
  async end(caller: CallerContext, id: string): Promise<boolean> {
    return this.as(caller, (tx) => this.endWhere(tx, caller, 'id = $2', id, 'session.end'));
  }

  /** Ends all of the caller's sessions but the one that asks. */
  async endOthers(caller: CallerContext): Promise<boolean> {
    return this.as(caller, (tx) => this.endOthersIn(tx, caller));
  }

  /** The same within a transaction that acts as the caller already. */
  endOthersIn(tx: Tx, caller: CallerContext): Promise<boolean> {
    return this.endWhere(tx, caller, 'id is distinct from $2', caller.sessionId, 'session.end-others');
  }

  private async endWhere(
    tx: Tx,
    caller: CallerContext,
    which: string,
    id: string | null,
    action: string,
  ): Promise<boolean> {
    const now = this.clock();
    const ended = await tx.query(
      `update identity_session set ended_at = $1 where ${which} and member_id = $3 and ended_at is null returning id`,
      [now, id, caller.id],
    );
    if (ended.length > 0)
      await auditMember(tx, caller.id, {
        at: now,
        actor: actorOf(caller),
        action,
        why: '',
        from: caller.from,
        detail: { sessions: ended.length },
      });
    return ended.length > 0;
  }

  private as<T>({ id }: CallerContext, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.transaction(shared, async (tx) => {
      await actAs(tx, id);
      return work(tx);
    });
  }
}

/** @throws SingleSignOnNeeded */
async function refuseElsewhere(tx: Tx): Promise<void> {
  const [row] = await tx.query<{ msp_id: string | null }>('select identity_signs_in_elsewhere() as msp_id');
  if (row?.msp_id) throw new SingleSignOnNeeded(row.msp_id);
}
