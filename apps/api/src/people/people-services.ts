import {
  Account,
  Challenges,
  Invitations,
  Mailbox,
  Members,
  Organisation,
  OpenIdProvider,
  Passkeys,
  SecondFactor,
  Sessions,
  SignIn,
  SingleSignOn,
  Throttle,
} from '@vouch/identity';
import { SafeFetch, SealedBox, type Clock, type Database } from '@vouch/platform';
import { SessionCookie } from './session-cookie.js';

export interface PeopleSettings {
  readonly VOUCH_SECRETS_KEY: string;
  readonly VOUCH_PUBLIC_URL: string;
  readonly VOUCH_ALLOW_PRIVATE_NETWORK: boolean;
}

/** Everything that signing in, accounts and members stand on. */
export class PeopleServices {
  readonly cookie: SessionCookie;
  readonly sessions: Sessions;
  readonly signIn: SignIn;
  readonly secondFactor: SecondFactor;
  readonly passkeys: Passkeys;
  readonly account: Account;
  readonly members: Members;
  readonly invitations: Invitations;
  readonly organisation: Organisation;
  readonly singleSignOn: SingleSignOn;
  private readonly fetcher: SafeFetch;

  constructor(settings: PeopleSettings, database: Database, clock: Clock) {
    const box = new SealedBox(settings.VOUCH_SECRETS_KEY);
    const throttle = new Throttle(database, clock);
    const mailbox = new Mailbox(database, box, settings.VOUCH_PUBLIC_URL, clock);
    const challenges = new Challenges(database, clock);
    this.cookie = new SessionCookie(settings.VOUCH_PUBLIC_URL);
    this.sessions = new Sessions(database, clock);
    this.signIn = new SignIn(database, this.sessions, throttle, clock);
    this.secondFactor = new SecondFactor(database, this.sessions, throttle, box, clock);
    this.passkeys = new Passkeys(database, this.sessions, challenges, settings.VOUCH_PUBLIC_URL, clock);
    this.account = new Account(database, this.sessions, this.secondFactor, throttle, mailbox, clock);
    this.members = new Members(database, clock);
    this.invitations = new Invitations(database, mailbox, clock);
    this.organisation = new Organisation(database, this.invitations, clock);
    const allowPrivateNetwork = settings.VOUCH_ALLOW_PRIVATE_NETWORK;
    this.fetcher = new SafeFetch({ allowPrivateNetwork });
    this.singleSignOn = new SingleSignOn(
      database,
      this.sessions,
      challenges,
      new OpenIdProvider(this.fetcher, { allowPlainHttp: allowPrivateNetwork }),
      box,
      new URL('/api/v1/single-sign-on/callback', settings.VOUCH_PUBLIC_URL).href,
      clock,
    );
  }

  close(): Promise<void> {
    return this.fetcher.close();
  }
}
