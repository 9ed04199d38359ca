import { shared, type Clock, type Database, type Origin } from '@vouch/platform';
import { KNOWN_ADDRESS_MS, networkOf } from './domain/throttle.js';
import { isPassword } from './passwords.js';
import type { Sessions, SessionSecret } from './sessions.js';
import type { GuessedAt, Throttle } from './throttle.js';

/** E-mail and password do not belong together. Says no more than that. */
export class SignInRefused extends Error {
  readonly code = 'sign-in-refused';
  constructor(message = 'E-mail address or password is wrong.') {
    super(message);
  }
}

/** Signing in with e-mail and password: the first of perhaps two steps. */
export class SignIn {
  constructor(
    private readonly database: Database,
    private readonly sessions: Sessions,
    private readonly throttle: Throttle,
    private readonly clock: Clock,
  ) {}

  /** @throws SignInRefused @throws TooManyGuesses @throws SingleSignOnNeeded */
  async withPassword(email: string, password: string, origin: Origin): Promise<SessionSecret> {
    const account = email.toLowerCase();
    const network = networkOf(origin.address);
    const at: GuessedAt = [
      ['account-from-address', `${account}\n${network}`],
      ['address', network],
      // Strangers all over the world may slow each other down, but not somebody at their usual place.
      ...((await this.isKnown(account, origin.address)) ? [] : [['account', account] as const]),
    ];
    await this.throttle.guess(at);
    const [member] = await this.database.read<{ id: string; password_hash: string | null }>(
      shared,
      'select * from identity_find_member($1)',
      [account],
    );
    const right = await isPassword(member?.password_hash, password);
    if (!member || !right) throw new SignInRefused();
    await this.throttle.forgive(at);
    return this.sessions.begin(member.id, { method: 'password', secondFactor: false }, origin);
  }

  private async isKnown(account: string, address: string): Promise<boolean> {
    const [{ known } = { known: false }] = await this.database.read<{ known: boolean }>(
      shared,
      'select identity_knows_address($1, $2, $3) as known',
      [account, address, new Date(this.clock().getTime() - KNOWN_ADDRESS_MS)],
    );
    return known;
  }
}
