import { Secret, TOTP } from 'otpauth';
import { shared, type Clock, type Database, type SealedBox, type Tx } from '@vouch/platform';
import { actAs } from './act-as.js';
import { auditMember } from './audit-member.js';
import { actorOf, type CallerContext } from './context.js';
import { NEEDS_SECOND_FACTOR } from './domain/second-factor.js';
import { newRecoveryCode, RECOVERY_CODES, recoveryCodeHash } from './recovery-codes.js';
import type { Sessions, SessionSecret } from './sessions.js';
import type { GuessedAt, Throttle } from './throttle.js';

/** The code is wrong, was used before, or its time is over. Says no more than that. */
export class CodeRefused extends Error {
  readonly code = 'code-refused';
  constructor() {
    super('This code is wrong or was used before. Wait for the next one and try again.');
  }
}

/** What was asked for does not fit the factors that the account has. */
export class FactorConflict extends Error {
  readonly code = 'factor-conflict';
}

/** A time-based code, or one of the codes kept for the day the phone is lost. */
export type Code = { readonly code: string } | { readonly recoveryCode: string };

const ISSUER = 'Vouch';
const PERIOD_SECONDS = 30;
/** Codes of the step before and after are taken too: clocks differ. */
const WINDOW = 1;

const totpOf = (secret: string | Secret, email: string): TOTP =>
  new TOTP({ issuer: ISSUER, label: email, secret, period: PERIOD_SECONDS });

/** Time-based codes (RFC 6238) and recovery codes. */
export class SecondFactor {
  constructor(
    private readonly database: Database,
    private readonly sessions: Sessions,
    private readonly throttle: Throttle,
    private readonly box: SealedBox,
    private readonly clock: Clock,
  ) {}

  /** Begins to set up codes; until `confirm` nothing asks for them. @throws FactorConflict */
  async setUp(caller: CallerContext): Promise<{ secret: string; uri: string }> {
    const secret = new Secret({ size: 20 });
    await this.as(caller, async (tx) => {
      const set = await tx.query(
        `insert into identity_totp (member_id, secret_sealed, created_at) values ($1, $2, $3)
           on conflict (member_id) do update set secret_sealed = excluded.secret_sealed, created_at = excluded.created_at
           where identity_totp.confirmed_at is null returning member_id`,
        [caller.id, this.box.seal(secret.base32, placeOf(caller.id)), this.clock()],
      );
      if (set.length === 0) throw new FactorConflict('This account already has codes. Remove them first.');
    });
    return { secret: secret.base32, uri: totpOf(secret, caller.email).toString() };
  }

  /**
   * The first code proves that the app has the secret. From now on sign-in asks for codes; other sessions end.
   * @returns recovery codes, shown once, and the session's new secret
   * @throws CodeRefused @throws TooManyGuesses
   */
  async confirm(caller: CallerContext, code: string): Promise<{ session: SessionSecret; recoveryCodes: string[] }> {
    await this.guess(caller);
    const done = await this.as(caller, async (tx) => {
      if (!(await this.takeStep(tx, caller, code, false))) throw new CodeRefused();
      await tx.query('update identity_totp set confirmed_at = $2 where member_id = $1', [caller.id, this.clock()]);
      await this.note(tx, caller, 'second-factor.set-up');
      await this.sessions.endOthersIn(tx, caller);
      const recoveryCodes = await this.replaceCodes(tx, caller);
      return {
        session: await this.sessions.strengthen(tx, caller, { secondFactor: true, everyFactor: false }),
        recoveryCodes,
      };
    });
    await this.throttle.forgive(guessedAt(caller));
    return done;
  }

  /** The second step of signing in. @throws CodeRefused @throws TooManyGuesses */
  async prove(caller: CallerContext, code: Code): Promise<SessionSecret> {
    await this.guess(caller);
    const session = await this.as(caller, async (tx) => {
      await this.take(tx, caller, code);
      return this.sessions.strengthen(tx, caller, { secondFactor: true, everyFactor: false });
    });
    await this.throttle.forgive(guessedAt(caller));
    return session;
  }

  /** @throws CodeRefused */
  async take(tx: Tx, caller: CallerContext, code: Code): Promise<void> {
    if ('code' in code) {
      if (!(await this.takeStep(tx, caller, code.code, true))) throw new CodeRefused();
      return;
    }
    const used = await tx.query(
      `update identity_recovery_code set used_at = $3 where member_id = $1 and code_sha256 = $2 and used_at is null returning 1`,
      [caller.id, recoveryCodeHash(code.recoveryCode), this.clock()],
    );
    if (used.length === 0) throw new CodeRefused();
    await this.note(tx, caller, 'recovery-code.use');
  }

  async hasCodes(tx: Tx, memberId: string): Promise<boolean> {
    const found = await tx.query('select 1 from identity_totp where member_id = $1 and confirmed_at is not null', [
      memberId,
    ]);
    return found.length > 0;
  }

  /** What the account has, without secrets. */
  async standing(caller: CallerContext): Promise<{ codes: boolean; recoveryCodesLeft: number; required: boolean }> {
    return this.as(caller, async (tx) => {
      const [left] = await tx.query<{ n: number }>(
        'select count(*)::int as n from identity_recovery_code where member_id = $1 and used_at is null',
        [caller.id],
      );
      return {
        codes: await this.hasCodes(tx, caller.id),
        recoveryCodesLeft: left?.n ?? 0,
        required: NEEDS_SECOND_FACTOR.has(caller.role),
      };
    });
  }

  /** New recovery codes; the old ones end. */
  async newRecoveryCodes(caller: CallerContext): Promise<string[]> {
    return this.as(caller, async (tx) => {
      await this.note(tx, caller, 'recovery-codes.replace');
      return this.replaceCodes(tx, caller);
    });
  }

  /** Ends codes, and the other sessions. @throws FactorConflict when the role asks for a second factor and there would be none left */
  async remove(caller: CallerContext): Promise<void> {
    await this.as(caller, async (tx) => {
      const passkeys = await tx.query('select 1 from identity_passkey where member_id = $1', [caller.id]);
      if (NEEDS_SECOND_FACTOR.has(caller.role) && passkeys.length === 0)
        throw new FactorConflict('Your role asks for a second factor. Add a passkey before you remove the codes.');
      await tx.query('delete from identity_totp where member_id = $1', [caller.id]);
      if (passkeys.length === 0) await tx.query('delete from identity_recovery_code where member_id = $1', [caller.id]);
      await this.note(tx, caller, 'second-factor.remove');
      await this.sessions.endOthersIn(tx, caller);
    });
  }

  private async guess(caller: CallerContext): Promise<void> {
    await this.throttle.guess(guessedAt(caller));
  }

  /** Takes a code once: the step that it belongs to must be later than every one that was taken before. */
  private async takeStep(tx: Tx, caller: CallerContext, code: string, confirmed: boolean): Promise<boolean> {
    const [row] = await tx.query<{ secret_sealed: string; last_step: number }>(
      'select secret_sealed, last_step from identity_totp where member_id = $1 and (confirmed_at is not null) = $2 for update',
      [caller.id, confirmed],
    );
    if (!row) return false;
    const timestamp = this.clock().getTime();
    const totp = totpOf(this.box.open(row.secret_sealed, placeOf(caller.id)), caller.email);
    const delta = totp.validate({ token: code, timestamp, window: WINDOW });
    if (delta === null) return false;
    const step = TOTP.counter({ period: PERIOD_SECONDS, timestamp }) + delta;
    if (step <= row.last_step) return false;
    await tx.query('update identity_totp set last_step = $2 where member_id = $1', [caller.id, step]);
    return true;
  }

  private async replaceCodes(tx: Tx, { id }: CallerContext): Promise<string[]> {
    const codes = Array.from({ length: RECOVERY_CODES }, newRecoveryCode);
    await tx.query('delete from identity_recovery_code where member_id = $1', [id]);
    await tx.query('insert into identity_recovery_code (member_id, code_sha256) select $1, unnest($2::text[])', [
      id,
      codes.map(recoveryCodeHash),
    ]);
    return codes;
  }

  private async note(tx: Tx, caller: CallerContext, action: string): Promise<void> {
    const { id, from } = caller;
    const at = this.clock();
    await auditMember(tx, id, { at, actor: actorOf(caller), action, why: '', from });
  }

  private as<T>(caller: CallerContext, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.transaction(shared, async (tx) => {
      await actAs(tx, caller.id);
      return work(tx);
    });
  }
}

/** Where a member's sealed secret lies: it opens nowhere else. */
export const placeOf = (memberId: string): string => `totp:${memberId}`;
const guessedAt = (caller: CallerContext): GuessedAt => [['second-factor', caller.id]];
