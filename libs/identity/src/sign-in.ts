import { hash, verify } from '@node-rs/argon2';
import { sha256Hex, shared, type Clock, type Database } from '@vouch/platform';
import type { CallerContext } from './context.js';
import type { Role } from './domain/permissions.js';
import { newSecretToken } from './secret-token.js';

/** E-mail and password do not belong together. Says no more than that. */
export class SignInRefused extends Error {
  readonly code = 'sign-in-refused';
  constructor() {
    super('E-mail address or password is wrong.');
  }
}

/** How somebody proved who they are. */
export interface Proof {
  readonly method: 'password' | 'passkey' | 'single-sign-on';
  /** Whether that was more than one factor: a passkey with user verification, or what the identity provider vouches for. */
  readonly secondFactor: boolean;
}

const SESSION_HOURS = 12;

/** Argon2id with the library's defaults, which follow OWASP's password storage cheat sheet (19 MiB, 2 passes). */
export const hashPassword = (password: string): Promise<string> => hash(password);

export class Sessions {
  /** Verified when no such member exists, so that the answer takes as long as for a wrong password. */
  private readonly decoy = hashPassword('no member has this password');

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * @returns the session's secret, to be kept in a cookie; only its SHA-256 is stored
   * @throws SignInRefused
   */
  async signIn(email: string, password: string): Promise<{ secret: string; expiresAt: Date }> {
    const [member] = await this.database.read<{ id: string; password_hash: string }>(
      shared,
      'select * from identity_find_member($1)',
      [email],
    );
    const right = await verify(member?.password_hash ?? (await this.decoy), password);
    if (!member || !right) throw new SignInRefused();
    return this.begin(member.id, { method: 'password', secondFactor: false });
  }

  /** Begins a session for somebody who has just proved who they are; the secret is new each time (session fixation). */
  async begin(memberId: string, proof: Proof): Promise<{ secret: string; expiresAt: Date }> {
    const { secret, sha256 } = newSecretToken('vs');
    const now = this.clock();
    const expiresAt = new Date(now.getTime() + SESSION_HOURS * 3_600_000);
    await this.database.transaction(shared, (tx) =>
      tx.query(
        `insert into identity_session (token_sha256, member_id, created_at, expires_at, method, second_factor_at)
         values ($1, $2, $3, $4, $5, $6)`,
        [sha256, memberId, now, expiresAt, proof.method, proof.secondFactor ? now : null],
      ),
    );
    return { secret, expiresAt };
  }

  async find(secret: string, request: Pick<CallerContext, 'correlationId' | 'from'>): Promise<CallerContext | null> {
    const [row] = await this.database.read<{
      member_id: string;
      email: string;
      name: string;
      role: Role;
      msp_id: string;
      msp: string;
      tenant_ids: string[];
    }>(shared, 'select * from identity_find_session($1, $2)', [sha256Hex(secret), this.clock()]);
    if (!row) return null;
    const { member_id: id, msp_id: mspId, tenant_ids: tenantIds, email, name, role, msp } = row;
    return {
      kind: 'member',
      id,
      mspId,
      tenantIds,
      email,
      name,
      role,
      msp,
      actions: null,
      steppedUpAt: null,
      ...request,
    };
  }

  async signOut(secret: string): Promise<void> {
    await this.database.transaction(shared, (tx) =>
      tx.query('update identity_session set ended_at = $2 where token_sha256 = $1', [sha256Hex(secret), this.clock()]),
    );
  }
}
