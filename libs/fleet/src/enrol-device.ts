import { createPublicKey } from 'node:crypto';
import type { EnrolRequest } from '@vouch/contracts';
import { actorOf, newSecretToken, scopeOf, type CallerContext } from '@vouch/identity';
import { audit, forTenants, newId, publish, sha256Hex, type Clock, type Database } from '@vouch/platform';

/** The token is unknown, was used before, or is too old. The answer is the same for all three. */
export class EnrolmentRefused extends Error {
  readonly code = 'enrolment-refused';
  constructor() {
    super('The enrolment token is not valid: it is unknown, was used before, or has expired. Ask for a new one.');
  }
}

/** The public key is not one that devices use. */
export class DeviceKeyRefused extends Error {
  readonly code = 'device-key-refused';
  constructor() {
    super('The device key must be an ECDSA P-256 public key in PEM.');
  }
}

const TOKEN_HOURS = 24;
const TOKEN = /^ve_([0-9a-f]{32})_[\w-]{43}$/;

/** Enrolment: a one-time token, bound to tenant and ring, makes a device known with a key that it made itself. */
export class Enrolment {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @returns the token, shown once; only its SHA-256 is stored */
  async createToken(
    context: CallerContext,
    tenantId: string,
    ring: number,
  ): Promise<{ id: string; token: string; expiresAt: Date }> {
    const id = newId();
    const { secret, sha256 } = newSecretToken(`ve_${tenantId.replaceAll('-', '')}`);
    const now = this.clock();
    const expiresAt = new Date(now.getTime() + TOKEN_HOURS * 3_600_000);
    await this.database.transaction(scopeOf(context), async (tx) => {
      await tx.query(
        `insert into fleet_enrolment_token (id, tenant_id, token_sha256, ring, created_by, created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7)`,
        [id, tenantId, sha256, ring, actorOf(context), now, expiresAt],
      );
      audit(tx, {
        tenantId,
        at: now,
        actor: actorOf(context),
        action: 'enrolment-token.create',
        subject: `token:${id}`,
        why: `To enrol one device in ring ${ring}`,
        from: context.from,
      });
    });
    return { id, token: secret, expiresAt };
  }

  /** Ends a token that nobody has used. @returns false when there is none of this id that could be used */
  async revokeToken(context: CallerContext, id: string): Promise<boolean> {
    return this.database.transaction(scopeOf(context), async (tx) => {
      const now = this.clock();
      const [token] = await tx.query<{ tenant_id: string }>(
        `update fleet_enrolment_token set revoked_at = $2
          where id = $1 and used_at is null and revoked_at is null and expires_at > $2 returning tenant_id`,
        [id, now],
      );
      if (!token) return false;
      audit(tx, {
        tenantId: token.tenant_id,
        at: now,
        actor: actorOf(context),
        action: 'enrolment-token.revoke',
        subject: `token:${id}`,
        why: 'Revoked on request',
        from: context.from,
      });
      return true;
    });
  }

  /**
   * @throws EnrolmentRefused, DeviceKeyRefused
   */
  async enrol(request: EnrolRequest, correlationId: string): Promise<{ tenantId: string; deviceId: string }> {
    const tenantId = tenantOfToken(request.token);
    const publicKeyPem = checkedKey(request.publicKeyPem);
    const deviceId = newId();
    const now = this.clock();
    return this.database.transaction(forTenants(tenantId), async (tx) => {
      // One statement takes the token: of two devices that come at once with one token, one finds it used.
      const [token] = await tx.query<{ ring: number }>(
        `update fleet_enrolment_token set used_at = $3, used_by = $4
          where tenant_id = $1 and token_sha256 = $2 and used_at is null and revoked_at is null and expires_at > $3 returning ring`,
        [tenantId, sha256Hex(request.token), now, deviceId],
      );
      if (!token) throw new EnrolmentRefused();
      await tx.query(
        `insert into fleet_device (tenant_id, id, name, ring, public_key_pem, enrolled_at) values ($1, $2, $3, $4, $5, $6)`,
        [tenantId, deviceId, request.name, token.ring, publicKeyPem, now],
      );
      audit(tx, {
        tenantId,
        at: now,
        actor: `device:${deviceId}`,
        action: 'device.enrol',
        subject: `device:${deviceId}`,
        why: 'It showed a valid enrolment token',
        detail: { name: request.name, ring: token.ring, keySha256: sha256Hex(publicKeyPem) },
      });
      await publish(tx, { topic: 'fleet.device-enrolled', payload: { tenantId, deviceId }, correlationId });
      return { tenantId, deviceId };
    });
  }
}

function tenantOfToken(token: string): string {
  const hex = TOKEN.exec(token)?.[1];
  if (hex === undefined) throw new EnrolmentRefused();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function checkedKey(pem: string): string {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
      throw new DeviceKeyRefused();
    return key.export({ type: 'spki', format: 'pem' }).toString();
  } catch {
    throw new DeviceKeyRefused();
  }
}
