import type { ApprovalCheck } from '@vouch/contracts';
import { scopeOf, type CallerContext } from '@vouch/identity';
import type { Clock, Database, Tx } from '@vouch/platform';

interface DeviceRow {
  name: string;
  revoked_at: Date | null;
  cohort_id: string | null;
  ring: number;
  policy_id: string | null;
}

interface RevisionRow {
  revision_id: string;
  patch: string;
  version: string;
  revision_state: string;
  revision_reason: string;
  approval_id: string | null;
  approval_state: 'active' | 'held' | 'withdrawn' | null;
  approval_reason: string | null;
  verdict_id: string | null;
  not_before: Date | null;
  expires_at: Date | null;
  tested: boolean | null;
  waived: boolean;
  decision: string | null;
  decision_reason: string | null;
  ring_reason: string | null;
}

type Found = Pick<ApprovalCheck, 'approved' | 'reason'>;

/** "Is this digest approved for this machine?", and why, in a sentence (I1, I8). */
export class ApprovalCheckQuery {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @returns null when the caller has no such device */
  async check(caller: CallerContext, sha256: string, deviceId: string): Promise<ApprovalCheck | null> {
    return this.database.transaction(scopeOf(caller), async (tx) => {
      const [device] = await tx.query<DeviceRow>(
        `select d.name, d.revoked_at, d.cohort_id, d.ring, p.policy_id
           from fleet_device d left join approval_tenant_policy p on p.tenant_id = d.tenant_id where d.id = $1`,
        [deviceId],
      );
      if (!device) return null;
      const rows = await this.revisions(tx, sha256, device);
      const now = this.clock();
      const judged = rows.map((row) => ({ row, ...judge(row, device, now) }));
      const best = judged.find(({ approved }) => approved) ?? judged[0];
      if (best === undefined)
        return {
          ...nothing,
          sha256,
          deviceId,
          reason: `No vendor's feed that Vouch reads has ever offered these bytes.`,
        };
      const { row, approved, reason } = best;
      return {
        sha256,
        deviceId,
        approved,
        reason,
        revisionId: row.revision_id,
        patch: row.patch,
        version: row.version,
        approvalId: row.approval_id,
        verdictId: row.verdict_id,
        expiresAt: row.expires_at?.toISOString() ?? null,
      };
    });
  }

  /** Revisions that hold these bytes, newest first, with what the machine's own channel says of each. */
  private revisions(tx: Tx, sha256: string, device: DeviceRow): Promise<RevisionRow[]> {
    return tx.query<RevisionRow>(
      `select v.id as revision_id, p.external_id as patch, v.version, v.state as revision_state, v.reason as revision_reason,
              a.id as approval_id, a.state as approval_state, a.reason as approval_reason, a.verdict_id, a.not_before, a.expires_at,
              exists (select 1 from lab_verdict j join lab_test_run_artefact t on t.run_id = j.run_id
                       where j.id = a.verdict_id and t.sha256 = $1) as tested, a.waiver_id is not null as waived,
              d.outcome as decision, d.reason as decision_reason, r.reason as ring_reason
         from catalog_artefact f
         join catalog_revision v on v.id = f.revision_id
         join catalog_patch p on p.id = v.patch_id
         join catalog_snapshot s on s.id = v.first_snapshot
         left join approval_channel c on c.policy_id = $2 and c.cohort_id = $3 and c.ring = $4
         left join approval_approval a on a.channel_id = c.id and a.revision_id = v.id
         left join approval_decision d on d.policy_id = $2 and d.cohort_id = $3 and d.revision_id = v.id
         left join rollout_ring r on r.policy_id = $2 and r.cohort_id = $3 and r.ring = $4 and r.revision_id = v.id
        where f.sha256 = $1 order by s.fetched_at desc, v.id`,
      [sha256, device.policy_id, device.cohort_id, device.ring],
    );
  }
}

const nothing: Omit<ApprovalCheck, 'sha256' | 'deviceId' | 'reason'> = {
  approved: false,
  revisionId: null,
  patch: null,
  version: null,
  approvalId: null,
  verdictId: null,
  expiresAt: null,
};

const day = (time: Date): string => time.toISOString().slice(0, 16).replace('T', ' ');

function judge(row: RevisionRow, device: DeviceRow, now: Date): Found {
  const what = `${row.patch} ${row.version}`;
  const no = (reason: string): Found => ({ approved: false, reason });
  if (device.revoked_at !== null) return no(`${device.name} was revoked, so nothing is approved for it.`);
  if (device.policy_id === null)
    return no(`The tenant of ${device.name} has no policy, so nothing is approved for it.`);
  if (device.cohort_id === null)
    return no(`${device.name} has not said yet what it is, so nothing is approved for it.`);
  if (row.approval_id === null || row.expires_at === null || row.not_before === null)
    return no(
      row.ring_reason ?? row.decision_reason ?? `${what} is not approved for this machine: it was not decided on yet.`,
    );
  if (row.approval_state !== 'active') return no(`${what} is ${row.approval_state}: ${row.approval_reason ?? ''}`);
  if (row.tested !== true) return no(`${what} is approved, but these bytes of it were not tested.`);
  if (row.expires_at <= now) return no(`The approval of ${what} ended at ${day(row.expires_at)} UTC.`);
  if (row.not_before > now) return no(`${what} is approved for this machine from ${day(row.not_before)} UTC on.`);
  const why = row.waived ? ` ${row.decision_reason ?? ''}` : '';
  return { approved: true, reason: `${what} is approved for this machine until ${day(row.expires_at)} UTC.${why}` };
}
