import type { Fingerprint } from '@vouch/contracts';
import { forTenants, publish, sha256Hex, type Clock, type Database } from '@vouch/platform';
import type { DeviceContext } from './authenticate-device.js';
import { streamOf } from './domain/cohort.js';

/** Keeps what a device says it is. The cohort is found by the platform's own job, since cohorts span tenants. */
export class RecordFingerprint {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async record(device: DeviceContext, fingerprint: Fingerprint): Promise<void> {
    const { tenantId, deviceId, correlationId } = device;
    const text = JSON.stringify(fingerprint);
    await this.database.transaction(forTenants(tenantId), async (tx) => {
      const changed = await tx.query(
        `update fleet_device set fingerprint = $3, fingerprint_sha256 = $4, stream = $5, last_seen_at = $6
          where tenant_id = $1 and id = $2 and fingerprint_sha256 is distinct from $4 returning id`,
        [tenantId, deviceId, text, sha256Hex(text), streamOf(fingerprint), this.clock()],
      );
      if (changed.length > 0) {
        await publish(tx, { topic: 'fleet.fingerprint-changed', payload: { tenantId, deviceId }, correlationId });
      }
    });
  }
}
