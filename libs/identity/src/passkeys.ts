import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type AuthenticationResponseJSON,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
} from '@simplewebauthn/server';
import { shared, type Clock, type Database, type Tx, type Origin } from '@vouch/platform';
import { actAs } from './act-as.js';
import { auditMember } from './audit-member.js';
import type { Challenges } from './challenges.js';
import type { CallerContext } from './context.js';
import { NEEDS_SECOND_FACTOR } from './domain/second-factor.js';
import { FactorConflict } from './second-factor.js';
import type { Sessions, SessionSecret } from './sessions.js';

export type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
};

/** What the browser brought is not what was asked for, or no passkey of ours signed it. */
export class PasskeyRefused extends Error {
  readonly code = 'passkey-refused';
  constructor() {
    super('This passkey was not accepted. Try again, or sign in another way.');
  }
}

export interface PasskeyView {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
}

interface PasskeyRow {
  readonly id: string;
  readonly public_key: Buffer;
  readonly counter: number;
  readonly transports: string[];
}

/**
 * Passkeys (WebAuthn level 3), with user verification: possession and a fingerprint or PIN, so two factors in one and
 * bound to our address, which no look-alike page can use.
 */
export class Passkeys {
  private readonly rpId: string;
  private readonly origin: string;

  constructor(
    private readonly database: Database,
    private readonly sessions: Sessions,
    private readonly challenges: Challenges,
    publicUrl: string,
    private readonly clock: Clock,
  ) {
    const { hostname, origin } = new URL(publicUrl);
    this.rpId = hostname;
    this.origin = origin;
  }

  async list(caller: CallerContext): Promise<PasskeyView[]> {
    const rows = await this.as(caller.id, (tx) =>
      tx.query<{ id: string; name: string; created_at: Date; last_used_at: Date | null }>(
        'select id, name, created_at, last_used_at from identity_passkey where member_id = $1 order by created_at, id',
        [caller.id],
      ),
    );
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      createdAt: row.created_at.toISOString(),
      lastUsedAt: row.last_used_at?.toISOString() ?? null,
    }));
  }

  /** What the browser needs to make a passkey. */
  async beginToAdd(caller: CallerContext): Promise<PublicKeyCredentialCreationOptionsJSON> {
    const present = await this.list(caller);
    const options = await generateRegistrationOptions({
      rpName: 'Vouch',
      rpID: this.rpId,
      userName: caller.email,
      userDisplayName: caller.name,
      userID: new Uint8Array(Buffer.from(caller.id)),
      attestationType: 'none',
      excludeCredentials: present.map(({ id }) => ({ id })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
    await this.challenges.issue('passkey-add', options.challenge, caller.id);
    return options;
  }

  /**
   * Keeps a passkey that the browser made; other sessions end.
   * @returns the session's new secret: who made a passkey has proved a second factor
   * @throws PasskeyRefused
   */
  async add(caller: CallerContext, name: string, response: RegistrationResponseJSON): Promise<SessionSecret> {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: async (challenge) =>
        (await this.challenges.take('passkey-add', challenge, caller.id)) !== null,
      expectedOrigin: this.origin,
      expectedRPID: this.rpId,
    }).catch(() => ({ verified: false as const, registrationInfo: undefined }));
    if (!verified || !registrationInfo) throw new PasskeyRefused();
    const { credential, credentialBackedUp } = registrationInfo;
    return this.as(caller.id, async (tx) => {
      const made = await tx.query(
        `insert into identity_passkey (id, member_id, name, public_key, counter, transports, backed_up, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning id`,
        [
          credential.id,
          caller.id,
          name,
          Buffer.from(credential.publicKey),
          credential.counter,
          credential.transports ?? [],
          credentialBackedUp,
          this.clock(),
        ],
      );
      if (made.length === 0) throw new PasskeyRefused();
      await this.note(tx, caller.id, caller.from, 'passkey.add', name);
      await this.sessions.endOthersIn(tx, caller);
      return this.sessions.strengthen(tx, caller, { secondFactor: true, everyFactor: false });
    });
  }

  /** @returns false when there is none of that id @throws FactorConflict when it is the last factor and one is needed */
  async remove(caller: CallerContext, id: string): Promise<boolean> {
    return this.as(caller.id, async (tx) => {
      const removed = await tx.query<{ name: string }>(
        'delete from identity_passkey where id = $1 and member_id = $2 returning name',
        [id, caller.id],
      );
      if (!removed[0]) return false;
      const left = await tx.query(
        `select 1 from identity_passkey where member_id = $1
          union all select 1 from identity_totp where member_id = $1 and confirmed_at is not null`,
        [caller.id],
      );
      if (left.length === 0 && NEEDS_SECOND_FACTOR.has(caller.role))
        throw new FactorConflict('Your role asks for a second factor. Set up another before you remove this one.');
      await this.note(tx, caller.id, caller.from, 'passkey.remove', removed[0].name);
      await this.sessions.endOthersIn(tx, caller);
      return true;
    });
  }

  /** What the browser needs to sign in; it does not say for which account. */
  async beginToSignIn(): Promise<PublicKeyCredentialRequestOptionsJSON> {
    const options = await generateAuthenticationOptions({ rpID: this.rpId, userVerification: 'required' });
    await this.challenges.issue('passkey-sign-in', options.challenge, null);
    return options;
  }

  /** Begins a session for whoever holds the passkey. @throws PasskeyRefused @throws SingleSignOnNeeded */
  async signIn(response: AuthenticationResponseJSON, origin: Origin): Promise<SessionSecret> {
    const memberId = await this.verify(response, 'passkey-sign-in', null, origin);
    return this.sessions.begin(memberId, { method: 'passkey', secondFactor: true }, origin);
  }

  /** What the browser needs to step up, or to take the second step of signing in. */
  async beginToProve(caller: CallerContext): Promise<PublicKeyCredentialRequestOptionsJSON> {
    const present = await this.list(caller);
    const options = await generateAuthenticationOptions({
      rpID: this.rpId,
      userVerification: 'required',
      allowCredentials: present.map(({ id }) => ({ id })),
    });
    await this.challenges.issue('passkey-prove', options.challenge, caller.id);
    return options;
  }

  /** @returns the session's new secret @throws PasskeyRefused */
  async prove(caller: CallerContext, response: AuthenticationResponseJSON): Promise<SessionSecret> {
    const memberId = await this.verify(response, 'passkey-prove', caller.id, caller.from);
    if (memberId !== caller.id) throw new PasskeyRefused();
    return this.as(caller.id, (tx) => this.sessions.strengthen(tx, caller, { secondFactor: true, everyFactor: true }));
  }

  private async verify(
    response: AuthenticationResponseJSON,
    purpose: string,
    challenged: string | null,
    from: Origin,
  ): Promise<string> {
    const [found] = await this.database.read<{ member_id: string }>(shared, 'select * from identity_find_passkey($1)', [
      response.id,
    ]);
    if (!found) throw new PasskeyRefused();
    return this.as(found.member_id, async (tx) => {
      const [row] = await tx.query<PasskeyRow>(
        'select id, public_key, counter, transports from identity_passkey where id = $1 for update',
        [response.id],
      );
      if (!row) throw new PasskeyRefused();
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response,
        expectedChallenge: async (challenge) => (await this.challenges.take(purpose, challenge, challenged)) !== null,
        expectedOrigin: this.origin,
        expectedRPID: this.rpId,
        credential: {
          id: row.id,
          publicKey: new Uint8Array(row.public_key),
          counter: row.counter,
          transports: row.transports,
        },
      }).catch(() => ({ verified: false as const, authenticationInfo: undefined }));
      if (!verified || !authenticationInfo) throw new PasskeyRefused();
      await tx.query('update identity_passkey set counter = $2, last_used_at = $3 where id = $1', [
        row.id,
        authenticationInfo.newCounter,
        this.clock(),
      ]);
      await this.note(tx, found.member_id, from, 'passkey.use', row.id);
      return found.member_id;
    });
  }

  private async note(tx: Tx, memberId: string, from: Origin, action: string, why: string): Promise<void> {
    await auditMember(tx, memberId, { at: this.clock(), actor: `member:${memberId}`, action, why, from });
  }

  private as<T>(memberId: string, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.database.transaction(shared, async (tx) => {
      await actAs(tx, memberId);
      return work(tx);
    });
  }
}
