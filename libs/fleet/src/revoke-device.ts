import { actorOf, scopeOf, type CallerContext } from '@vouch/identity';
import { audit, publish, type Clock, type Database } from '@vouch/platform';

/** Ends what a device may: its key counts no more, and it is no longer one of those that need patches or get them. */
export class RevokeDevice {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @returns false when the caller has no such device, or it is revoked already */
  async revoke(caller: CallerContext, deviceId: string): Promise<boolean> {
    return this.database.transaction(scopeOf(caller), async (tx) => {
      const now = this.clock();
      const [device] = await tx.query<{ tenant_id: string; name: string }>(
        'update fleet_device set revoked_at = $2 where id = $1 and revoked_at is null returning tenant_id, name',
        [deviceId, now],
      );
      if (!device) return false;
      const { tenant_id: tenantId, name } = device;
      audit(tx, {
        tenantId,
        at: now,
        actor: actorOf(caller),
        action: 'device.revoke',
        subject: `device:${deviceId}`,
        why: 'Revoked on request',
        from: caller.from,
        detail: { name },
      });
      await publish(tx, {
        topic: 'fleet.device-revoked',
        payload: { tenantId, deviceId },
        correlationId: caller.correlationId,
      });
      return true;
    });
  }
}
