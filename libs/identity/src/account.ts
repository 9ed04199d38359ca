import { sha256Hex, shared, type Clock, type Database, type Tx, type Origin } from '@vouch/platform';
import { actAs } from './act-as.js';
import { auditMember } from './audit-member.js';
import { actorOf, type CallerContext } from './context.js';
import { checkPassword } from './domain/password-rules.js';
import { networkOf } from './domain/throttle.js';
import type { Mailbox } from './mails.js';
import { hashPassword, isPassword } from './passwords.js';
import type { Code, SecondFactor } from './second-factor.js';
import { newSecretToken } from './secret-token.js';
import type { Sessions, SessionSecret } from './sessions.js';
import { SignInRefused } from './sign-in.js';
import type { GuessedAt, Throttle } from './throttle.js';

/** The link was used, has expired, or never existed. */
export class LinkRefused extends Error {
  readonly code = 'link-refused';
  constructor() {
    super('This link was used before or has expired. Ask for a new one.');
  }
}

const RESET_MINUTES = 30;
const WRONG_PASSWORD = 'The password is wrong.';

interface Proofs {
  readonly password?: string | undefined;
  readonly code?: Code | undefined;
}

/** What people do with their own account. */
export class Account {
  constructor(
    private readonly database: Database,
    private readonly sessions: Sessions,
    private readonly secondFactor: SecondFactor,
    private readonly throttle: Throttle,
    private readonly mailbox: Mailbox,
    private readonly clock: Clock,
  ) {}

  /**
   * Proves again, with every factor that the account has, that it is still the same person who sits there.
   * @returns the session's new secret
   * @throws SignInRefused @throws CodeRefused @throws TooManyGuesses
   */
  async stepUp(caller: CallerContext, proofs: Proofs): Promise<SessionSecret> {
    const at: GuessedAt = [['second-factor', caller.id]];
    await this.throttle.guess(at);
    const passwordHash = await this.passwordHashOf(caller);
    const session = await this.as(caller.id, async (tx) => {
      const codes = await this.secondFactor.hasCodes(tx, caller.id);
      const passkeys = await tx.query('select 1 from identity_passkey where member_id = $1', [caller.id]);
      // Whose second factor is a passkey proves that; who has neither password nor codes signs in elsewhere again.
      if (!codes && (passwordHash === null || passkeys.length > 0))
        throw new SignInRefused('Prove it with your passkey, or sign out and in again.');
      if (passwordHash !== null && !(await isPassword(passwordHash, proofs.password ?? '')))
        throw new SignInRefused(WRONG_PASSWORD);
      if (codes) await this.secondFactor.take(tx, caller, proofs.code ?? { code: '' });
      return this.sessions.strengthen(tx, caller, { secondFactor: codes, everyFactor: true });
    });
    await this.throttle.forgive(at);
    return session;
  }

  /**
   * A new password ends every other session, and the links for a new password that are on their way.
   * @throws PasswordRefused @throws SignInRefused when the present one is wrong @throws TooManyGuesses
   */
  async changePassword(caller: CallerContext, present: string, next: string): Promise<void> {
    const at: GuessedAt = [['second-factor', caller.id]];
    await this.throttle.guess(at);
    if (!(await isPassword(await this.passwordHashOf(caller), present))) throw new SignInRefused(WRONG_PASSWORD);
    await this.throttle.forgive(at);
    checkPassword(next, [caller.name, caller.email, caller.msp]);
    const hash = await hashPassword(next);
    await this.as(caller.id, async (tx) => {
      await this.setPassword(tx, caller.id, hash, actorOf(caller), caller.from);
      await this.sessions.endOthersIn(tx, caller);
      await tx.query('update identity_password_reset set used_at = $2 where member_id = $1 and used_at is null', [
        caller.id,
        this.clock(),
      ]);
      await this.mailbox.add(tx, caller.email, { kind: 'password-changed', name: caller.name });
    });
  }

  /**
   * Sends a link if the address is known, and says the same when it is not. A known one costs one more commit, which a
   * stopwatch could tell: the throttle leaves it few tries.
   * @throws TooManyGuesses
   */
  async askForReset(email: string, origin: Origin): Promise<void> {
    const account = email.toLowerCase();
    const network = networkOf(origin.address);
    await this.throttle.guess([
      ['account-from-address', `reset\n${account}\n${network}`],
      ['account', `reset\n${account}`],
      ['address', `reset\n${network}`],
    ]);
    const member = await this.findMember(account);
    const { secret, sha256 } = newSecretToken('vp');
    const now = this.clock();
    if (!member) return;
    await this.as(member.id, async (tx) => {
      await tx.query(
        'insert into identity_password_reset (token_sha256, member_id, created_at, expires_at) values ($1, $2, $3, $4)',
        [sha256, member.id, now, new Date(now.getTime() + RESET_MINUTES * 60_000)],
      );
      await this.mailbox.add(tx, account, {
        kind: 'password-reset',
        name: member.name,
        secret,
        minutes: RESET_MINUTES,
      });
    });
  }

  /**
   * Sets a new password by the link from the mail. Every session ends; the second factor stays, and sign-in asks for it.
   * @throws LinkRefused @throws PasswordRefused
   */
  async reset(secret: string, next: string, origin: Origin): Promise<void> {
    const now = this.clock();
    const token = sha256Hex(secret);
    const [found] = await this.database.read<{ member_id: string }>(
      shared,
      'select * from identity_find_password_reset($1, $2)',
      [token, now],
    );
    if (!found) throw new LinkRefused();
    const { member_id: id } = found;
    const about = await this.as(id, (tx) =>
      tx.query<{ name: string; email: string }>('select name, email from identity_member where id = $1', [id]),
    );
    checkPassword(
      next,
      about.flatMap(({ name, email }) => [name, email]),
    );
    const hash = await hashPassword(next);
    await this.as(id, async (tx) => {
      const taken = await tx.query(
        'update identity_password_reset set used_at = $2 where token_sha256 = $1 and used_at is null returning 1',
        [token, now],
      );
      if (taken.length === 0) throw new LinkRefused();
      await tx.query('update identity_password_reset set used_at = $2 where member_id = $1 and used_at is null', [
        id,
        now,
      ]);
      await this.setPassword(tx, id, hash, `member:${id}`, origin);
      await tx.query('update identity_session set ended_at = $2 where member_id = $1 and ended_at is null', [id, now]);
      for (const { name, email } of about) await this.mailbox.add(tx, email, { kind: 'password-changed', name });
    });
  }

  private async setPassword(tx: Tx, id: string, hash: string, actor: string, from: Origin): Promise<void> {
    await tx.query('update identity_member set password_hash = $2 where id = $1', [id, hash]);
    const at = this.clock();
    await auditMember(tx, id, { at, actor, action: 'password.change', why: '', from });
  }

  private async passwordHashOf(caller: CallerContext): Promise<string | null> {
    return (await this.findMember(caller.email))?.password_hash ?? null;
  }

  private async findMember(
    email: string,
  ): Promise<{ id: string; name: string; password_hash: string | null } | undefined> {
    const [member] = await this.database.read<{ id: string; name: string; password_hash: string | null }>(
      shared,
      'select * from identity_find_member($1)',
      [email],
    );
    return member;
  }

  private as<T>(memberId: string, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.transaction(shared, async (tx) => {
      await actAs(tx, memberId);
      return work(tx);
    });
  }
}
