import { randomBytes } from 'node:crypto';
import { audit, shared, type Clock, type Database, type SealedBox, type Origin } from '@vouch/platform';
import { actAs } from './act-as.js';
import { auditMember } from './audit-member.js';
import type { Challenges } from './challenges.js';
import { actorOf, type CallerContext } from './context.js';
import { ProviderFailed, type IdentityProvider, type ProviderSettings } from './identity-provider.port.js';
import { actFor } from './owner.js';
import type { Sessions, SessionSecret } from './sessions.js';

export interface SingleSignOnSettings extends ProviderSettings {
  /** Whether members of the MSP must sign in there; its owners may always use their password. */
  readonly required: boolean;
}
export type SingleSignOnView = Omit<SingleSignOnSettings, 'clientSecret'> & { readonly version: number };

/** The provider vouches for somebody who is no member here. */
export class NoMemberVouchedFor extends Error {
  readonly code = 'single-sign-on-refused';
  constructor() {
    super('Your identity provider knows you, but you are no member here. Ask your organisation to invite you.');
  }
}

interface Found {
  readonly issuer: string;
  readonly client_id: string;
  readonly secret_sealed: string;
}

const PURPOSE = 'single-sign-on';
const random = (): string => randomBytes(32).toString('base64url');
const placeOf = (mspId: string): string => `single-sign-on:${mspId}`;

/** The settings were changed, made or removed by somebody else since they were read. */
export class SingleSignOnChanged extends Error {
  readonly code = 'changed-meanwhile';
  constructor() {
    super('Single sign-on was changed since you read it. Read it again and repeat the change if it still fits.');
  }
}

/** Members of an MSP sign in with the identity provider of their own organisation. */
export class SingleSignOn {
  constructor(
    private readonly database: Database,
    private readonly sessions: Sessions,
    private readonly challenges: Challenges,
    private readonly provider: IdentityProvider,
    private readonly box: SealedBox,
    /** Where browsers come back to. */
    readonly callbackUrl: string,
    private readonly clock: Clock,
  ) {}

  /**
   * @returns where to send the browser, and the state that it must bring back in a cookie too; null when the MSP has none
   * @throws ProviderFailed
   */
  async begin(mspId: string): Promise<{ url: string; state: string } | null> {
    const settings = await this.find(mspId);
    if (settings === null) return null;
    const pending = { state: random(), nonce: random(), verifier: random() };
    const url = await this.provider.begin(settings, this.callbackUrl, pending);
    const kept = this.box.seal(JSON.stringify({ mspId, ...pending }), PURPOSE);
    await this.challenges.issue(PURPOSE, pending.state, null, kept);
    return { url, state: pending.state };
  }

  /**
   * @param query what the browser brought back: `?code=…&state=…`
   * @param state of the browser's cookie: a link that somebody else made signs nobody in
   * @throws ProviderFailed @throws NoMemberVouchedFor
   */
  async finish(query: string, state: string | undefined, origin: Origin): Promise<SessionSecret> {
    const callback = new URL(query, this.callbackUrl);
    const brought = callback.searchParams.get('state');
    if (state === undefined || brought !== state) throw new ProviderFailed('This sign-in was not begun here.');
    const taken = await this.challenges.take(PURPOSE, state, null);
    if (taken === null) throw new ProviderFailed('This sign-in was finished before, or took too long.');
    const { mspId, ...pending } = JSON.parse(this.box.open(taken.sealed, PURPOSE)) as {
      mspId: string;
      state: string;
      nonce: string;
      verifier: string;
    };
    const settings = await this.find(mspId);
    if (settings === null) throw new ProviderFailed('Single sign-on was switched off meanwhile.');
    const { subject, email, secondFactor } = await this.provider.finish(settings, callback, pending);
    const [member] = await this.database.read<{ member_id: string; linked: boolean }>(
      shared,
      'select * from identity_find_subject($1, $2, $3, $4)',
      [mspId, settings.issuer, subject, email],
    );
    if (!member) throw new NoMemberVouchedFor();
    if (!member.linked) await this.link(mspId, settings.issuer, subject, member.member_id, origin);
    return this.sessions.begin(member.member_id, { method: 'single-sign-on', secondFactor }, origin);
  }

  /** The MSP's settings, without the secret. */
  async read(caller: CallerContext): Promise<SingleSignOnView | null> {
    const mspId = mspOf(caller);
    const [row] = await this.database.transaction(shared, async (tx) => {
      await actFor(tx, mspId);
      return tx.query<SingleSignOnView>(
        'select issuer, client_id as "clientId", required, version from identity_single_sign_on where msp_id = $1',
        [mspId],
      );
    });
    return row ?? null;
  }

  /**
   * Keeps settings after the provider was asked once.
   *
   * @param known the version that is changed; null when there was none
   * @returns the new version
   * @throws ProviderFailed @throws SingleSignOnChanged
   */
  async configure(caller: CallerContext, settings: SingleSignOnSettings, known: number | null): Promise<number> {
    await this.provider.probe(settings);
    const before = await this.read(caller);
    const mspId = mspOf(caller);
    const at = this.clock();
    return this.database.transaction(shared, async (tx) => {
      await actFor(tx, mspId);
      const [kept] = await tx.query<{ version: number }>(
        `insert into identity_single_sign_on (msp_id, issuer, client_id, secret_sealed, required, changed_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (msp_id) do update set issuer = excluded.issuer, client_id = excluded.client_id,
           secret_sealed = excluded.secret_sealed, required = excluded.required, changed_at = excluded.changed_at,
           version = identity_single_sign_on.version + 1
           where identity_single_sign_on.version = $7
         returning version`,
        [
          mspId,
          settings.issuer,
          settings.clientId,
          this.box.seal(settings.clientSecret, placeOf(mspId)),
          settings.required,
          at,
          known,
        ],
      );
      if (!kept || (kept.version === 1) !== (known === null)) throw new SingleSignOnChanged();
      const { clientSecret: _, ...after } = settings;
      audit(tx, {
        tenantId: null,
        mspId,
        at,
        actor: actorOf(caller),
        action: 'single-sign-on.configure',
        subject: `msp:${mspId}`,
        why: '',
        from: caller.from,
        before: { ...before },
        after,
      });
      return kept.version;
    });
  }

  /** Switches single sign-on off. @returns false when there was none */
  async remove(caller: CallerContext): Promise<boolean> {
    const mspId = mspOf(caller);
    const at = this.clock();
    return this.database.transaction(shared, async (tx) => {
      await actFor(tx, mspId);
      const removed = await tx.query<{ issuer: string }>(
        'delete from identity_single_sign_on where msp_id = $1 returning issuer',
        [mspId],
      );
      if (removed.length === 0) return false;
      const { from } = caller;
      const action = 'single-sign-on.remove';
      const before = { issuer: removed[0]?.issuer };
      audit(tx, {
        tenantId: null,
        mspId,
        at,
        actor: actorOf(caller),
        action,
        subject: `msp:${mspId}`,
        why: '',
        from,
        before,
        after: {},
      });
      return true;
    });
  }

  private async find(mspId: string): Promise<ProviderSettings | null> {
    const [found] = await this.database.read<Found>(shared, 'select * from identity_find_single_sign_on($1)', [mspId]);
    if (!found) return null;
    return {
      issuer: found.issuer,
      clientId: found.client_id,
      clientSecret: this.box.open(found.secret_sealed, placeOf(mspId)),
    };
  }

  private async link(mspId: string, issuer: string, subject: string, memberId: string, origin: Origin): Promise<void> {
    const at = this.clock();
    await this.database.transaction(shared, async (tx) => {
      await actAs(tx, memberId);
      await tx.query(
        'insert into identity_subject (msp_id, issuer, subject, member_id, created_at) values ($1, $2, $3, $4, $5)',
        [mspId, issuer, subject, memberId, at],
      );
      const actor = `member:${memberId}`;
      const why = `${subject} at ${issuer}, by a verified address`;
      await auditMember(tx, memberId, { at, actor, action: 'single-sign-on.link', why, from: origin });
    });
  }
}

function mspOf({ mspId, role }: CallerContext): string {
  if (mspId === null) throw new TypeError(`A ${role} belongs to no MSP.`);
  return mspId;
}
