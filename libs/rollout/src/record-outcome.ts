import type { OutcomeReport } from '@vouch/contracts';
import type { ReadManifest } from '@vouch/approval';
import type { DeviceContext } from '@vouch/fleet';
import { audit, forTenants, publish, type Clock, type Database } from '@vouch/platform';

/** A device reports on a revision that its channel never offered it. */
export class OutcomeNotOffered extends Error {
  readonly code = 'outcome-not-offered';
  constructor(revisionId: string) {
    super(`Revision ${revisionId} was not offered to this device, so its outcome is not taken.`);
  }
}

/** Keeps what really happened on a device. The newest report of a device on a revision counts; a repeated one changes nothing. */
export class RecordOutcome {
  constructor(
    private readonly database: Database,
    private readonly manifests: ReadManifest,
    private readonly clock: Clock,
  ) {}

  /** @throws OutcomeNotOffered */
  async record(device: DeviceContext, report: OutcomeReport): Promise<void> {
    const { tenantId, deviceId, correlationId } = device;
    if (!(await this.manifests.wasOffered(device, report.revisionId, report.channelVersion))) {
      throw new OutcomeNotOffered(report.revisionId);
    }
    const now = this.clock();
    await this.database.transaction(forTenants(tenantId), async (tx) => {
      const changed = await tx.query(
        `insert into rollout_outcome (tenant_id, device_id, revision_id, channel_version, result, healthy, probes, detail, installed, reported_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (tenant_id, device_id, revision_id) do update set channel_version = excluded.channel_version,
           result = excluded.result, healthy = excluded.healthy, probes = excluded.probes, detail = excluded.detail,
           installed = excluded.installed, reported_at = excluded.reported_at
         where rollout_outcome.result <> excluded.result or rollout_outcome.healthy <> excluded.healthy
         returning device_id`,
        [
          tenantId,
          deviceId,
          report.revisionId,
          report.channelVersion,
          report.result,
          report.healthy,
          JSON.stringify(report.probes),
          report.detail,
          JSON.stringify(report.installed),
          now,
        ],
      );
      if (changed.length === 0) return;
      audit(tx, {
        tenantId,
        at: now,
        actor: `device:${deviceId}`,
        action: `outcome.${report.result}`,
        subject: `revision:${report.revisionId}`,
        why: report.detail || (report.healthy ? 'Installed, services are well' : 'A service is not well'),
        detail: { healthy: report.healthy, channelVersion: report.channelVersion },
      });
      await publish(tx, {
        topic: 'rollout.outcome-reported',
        payload: { tenantId, deviceId, revisionId: report.revisionId },
        correlationId,
      });
    });
  }
}
