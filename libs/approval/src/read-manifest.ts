import type { DsseEnvelope } from '@vouch/contracts';
import type { DeviceContext } from '@vouch/fleet';
import { forTenants, type Database } from '@vouch/platform';

export interface PublishedManifest {
  readonly etag: string;
  readonly envelope: DsseEnvelope;
}

/** Finds the manifest of the channel that a device belongs to by its tenant's policy, its cohort and its ring. */
export class ReadManifest {
  constructor(private readonly database: Database) {}

  async of(device: DeviceContext): Promise<PublishedManifest | null> {
    const [row] = await this.database.read<{ etag: string; envelope: DsseEnvelope }>(
      forTenants(device.tenantId),
      `select c.envelope_sha256 as etag, c.envelope from fleet_device d
         join approval_tenant_policy t on t.tenant_id = d.tenant_id
         join approval_channel c on c.policy_id = t.policy_id and c.cohort_id = d.cohort_id and c.ring = d.ring
        where d.tenant_id = $1 and d.id = $2 and c.envelope is not null`,
      [device.tenantId, device.deviceId],
    );
    return row ?? null;
  }

  /** Was this revision offered to this device, at this version of its channel or before? */
  async wasOffered(device: DeviceContext, revisionId: string, channelVersion: number): Promise<boolean> {
    const rows = await this.database.read(
      forTenants(device.tenantId),
      `select 1 from fleet_device d
         join approval_tenant_policy t on t.tenant_id = d.tenant_id
         join approval_channel c on c.policy_id = t.policy_id and c.cohort_id = d.cohort_id and c.ring = d.ring
         join approval_approval a on a.channel_id = c.id and a.revision_id = $3
        where d.tenant_id = $1 and d.id = $2 and $4 <= c.version`,
      [device.tenantId, device.deviceId, revisionId, channelVersion],
    );
    return rows.length > 0;
  }
}
