import { createPublicKey, verify } from 'node:crypto';
import { deviceSignatureBase } from '@vouch/contracts';
import { forTenants, type Clock, type Database } from '@vouch/platform';

/** Who signed the request is not clear: unknown device, wrong key, old time or a request played again. */
export class DeviceRefused extends Error {
  readonly code = 'device-refused';
  constructor() {
    super('The request is not signed by a known device, or it was made too long ago, or it was seen before.');
  }
}

export interface SignedRequest {
  readonly method: string;
  /** Path with query, as sent. */
  readonly path: string;
  readonly device: string | undefined;
  readonly timestamp: string | undefined;
  readonly nonce: string | undefined;
  readonly signature: string | undefined;
  /** Of the body that is announced, in hex. Whoever reads the body compares. */
  readonly bodySha256: string;
}

export interface DeviceContext {
  readonly tenantId: string;
  readonly deviceId: string;
  readonly ring: number;
  readonly correlationId: string;
}

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const DEVICE = new RegExp(`^(${UUID})\\.(${UUID})$`);
const CLOCK_SKEW_SECONDS = 300;

/** Checks that a request was signed, just now and for the first time, by the key that a device enrolled with. */
export class DeviceAuthentication {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @throws DeviceRefused */
  async authenticate(request: SignedRequest, correlationId: string): Promise<DeviceContext> {
    const [, tenantId, deviceId] = DEVICE.exec(request.device ?? '') ?? [];
    const { timestamp, nonce, signature } = request;
    if (!tenantId || !deviceId || !timestamp || !nonce || !signature || !/^[0-9a-f]{32}$/.test(nonce))
      throw new DeviceRefused();
    const now = this.clock();
    const age = Math.abs(now.getTime() / 1000 - Number(timestamp));
    if (!(age <= CLOCK_SKEW_SECONDS)) throw new DeviceRefused();

    return this.database.transaction(forTenants(tenantId), async (tx) => {
      const [device] = await tx.query<{ ring: number; public_key_pem: string }>(
        'select ring, public_key_pem from fleet_device where tenant_id = $1 and id = $2 and revoked_at is null',
        [tenantId, deviceId],
      );
      if (!device) throw new DeviceRefused();
      const base = deviceSignatureBase(request.method, request.path, timestamp, nonce, request.bodySha256);
      if (
        !verify('sha256', Buffer.from(base), createPublicKey(device.public_key_pem), Buffer.from(signature, 'base64'))
      ) {
        throw new DeviceRefused();
      }
      const first = await tx.query(
        `insert into fleet_device_nonce (tenant_id, device_id, nonce, at) values ($1, $2, $3, $4) on conflict do nothing returning nonce`,
        [tenantId, deviceId, nonce, now],
      );
      if (first.length === 0) throw new DeviceRefused();
      await tx.query('delete from fleet_device_nonce where tenant_id = $1 and device_id = $2 and at < $3', [
        tenantId,
        deviceId,
        new Date(now.getTime() - 2 * CLOCK_SKEW_SECONDS * 1000),
      ]);
      await tx.query('update fleet_device set last_seen_at = $3 where tenant_id = $1 and id = $2', [
        tenantId,
        deviceId,
        now,
      ]);
      return { tenantId, deviceId, ring: device.ring, correlationId };
    });
  }
}
