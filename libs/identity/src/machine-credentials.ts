import { audit, sha256Hex, shared, type Clock, type Database, type Tx } from '@vouch/platform';
import { newSecretToken } from './secret-token.js';

const NOTE_EVERY_MS = 60_000;
const DAY_MS = 86_400_000;
const LIVES = 'revoked_at is null and (expires_at is null or expires_at > $2)';

/** Checks the bearer credentials of lab-runners. */
export class MachineCredentials {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @returns the credential's name, or null when it is unknown, revoked or expired */
  async findLabRunner(secret: string): Promise<string | null> {
    const now = this.clock();
    const sha256 = sha256Hex(secret);
    return this.database.transaction(shared, async (tx) => {
      const [row] = await tx.query<{ name: string; last_used_at: Date | null }>(
        `select name, last_used_at from identity_machine_credential where secret_sha256 = $1 and kind = 'lab-runner' and ${LIVES}`,
        [sha256, now],
      );
      if (!row) return null;
      if (now.getTime() - (row.last_used_at?.getTime() ?? 0) >= NOTE_EVERY_MS) {
        await tx.query('update identity_machine_credential set last_used_at = $2 where secret_sha256 = $1', [
          sha256,
          now,
        ]);
      }
      return row.name;
    });
  }
}

export interface LabRunnerCredential {
  readonly name: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly state: 'active' | 'expired' | 'revoked';
}

/**
 * Makes the secret the one credential of this name: another one that was valid ends. A secret that was revoked stays so.
 * Needs the platform role.
 */
export async function registerLabRunnerCredential(
  tx: Tx,
  name: string,
  secret: string,
  at: Date,
  expiresAt: Date | null = null,
): Promise<void> {
  const sha256 = sha256Hex(secret);
  const made = await tx.query(
    `insert into identity_machine_credential (secret_sha256, kind, name, created_at, expires_at)
     values ($1, 'lab-runner', $2, $3, $4) on conflict (secret_sha256) do nothing returning name`,
    [sha256, name, at, expiresAt],
  );
  await end(tx, name, at, 'Another took its place', sha256);
  if (made.length > 0) note(tx, at, 'lab-credential.add', name, 'To let a lab-runner in', { sha256, expiresAt });
}

/** Makes a credential, valid for some days or until it is revoked. @returns its secret, to be shown once */
export async function makeLabRunnerCredential(tx: Tx, name: string, at: Date, days: number | null): Promise<string> {
  const { secret } = newSecretToken('vl');
  const expiresAt = days === null ? null : new Date(at.getTime() + days * DAY_MS);
  await registerLabRunnerCredential(tx, name, secret, at, expiresAt);
  return secret;
}

/** Ends the credential of this name at once. @returns false when none was valid */
export async function revokeLabRunnerCredential(tx: Tx, name: string, at: Date): Promise<boolean> {
  return (await end(tx, name, at, 'At the command line', '')) > 0;
}

export async function listLabRunnerCredentials(tx: Tx, at: Date): Promise<LabRunnerCredential[]> {
  return tx.query<LabRunnerCredential>(
    `select name, created_at as "createdAt", expires_at as "expiresAt", last_used_at as "lastUsedAt",
            case when revoked_at is not null then 'revoked' when expires_at <= $1 then 'expired' else 'active' end as state
       from identity_machine_credential where kind = 'lab-runner' order by created_at, name`,
    [at],
  );
}

async function end(tx: Tx, name: string, at: Date, why: string, except: string): Promise<number> {
  const ended = await tx.query<{ secret_sha256: string }>(
    `update identity_machine_credential set revoked_at = $2
      where kind = 'lab-runner' and name = $1 and secret_sha256 <> $3 and ${LIVES} returning secret_sha256`,
    [name, at, except],
  );
  for (const { secret_sha256: sha256 } of ended) note(tx, at, 'lab-credential.revoke', name, why, { sha256 });
  return ended.length;
}

function note(tx: Tx, at: Date, action: string, name: string, why: string, detail: Record<string, unknown>): void {
  audit(tx, { tenantId: null, at, actor: 'platform', action, subject: `lab-credential:${name}`, why, detail });
}
