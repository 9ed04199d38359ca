import { approveInChannel, holdEverywhere } from '@vouch/approval';
import { PolicyRules } from '@vouch/contracts';
import { audit, publish, shared, type Clock, type Database, type Stage, type Tx } from '@vouch/platform';
import { gate } from './domain/gate.js';
import { canMove, type RingState } from './domain/ring-state.js';

interface DecisionRow {
  policy_id: string;
  cohort_id: string;
  verdict_id: string | null;
  outcome: 'approved' | 'refused' | 'waiting';
  reason: string;
  coverage: unknown;
  rules: unknown;
  verdict_expires_at: Date | null;
  waiver_id: string | null;
  waived_until: Date | null;
}

interface RingRow {
  ring: number;
  state: RingState;
  /** Offered no more, though the ring has not gone wrong. */
  held: boolean;
  /** Offered on the strength of a waiver. */
  waived: boolean;
  /** Offered on another verdict than the newest decision rests on. */
  outdated: boolean;
}

/**
 * Leads an approved revision through the rings of each policy and cohort: ring 0 first, each next one when the one
 * before is healthy, all stopped when one machine is not. Key: the revision's id.
 */
export class AdvanceRolloutStage implements Stage {
  readonly name = 'rollout';
  readonly concurrency = 1;
  readonly wakes = {
    'approval.decided': (payload: Readonly<Record<string, unknown>>) => String(payload['revisionId']),
    'rollout.outcome-reported': (payload: Readonly<Record<string, unknown>>) => String(payload['revisionId']),
  } as const;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async pending(): Promise<string[]> {
    const rows = await this.database.read<{ revision_id: string }>(
      shared,
      `select revision_id from approval_decision d
        where outcome = 'approved' and not exists (select 1 from rollout_ring r where r.policy_id = d.policy_id
              and r.cohort_id = d.cohort_id and r.revision_id = d.revision_id)
       union select revision_id from rollout_ring where state in ('closed', 'open')
       union select d.revision_id from approval_decision d join rollout_ring r using (policy_id, cohort_id, revision_id)
              where d.outcome = 'refused' and r.state <> 'halted' and not exists (
                    select 1 from approval_channel c join approval_approval a on a.channel_id = c.id
                     where c.policy_id = r.policy_id and c.cohort_id = r.cohort_id and a.revision_id = r.revision_id and a.waiver_id is not null)
       union select d.revision_id from approval_decision d join approval_channel c using (policy_id, cohort_id)
               join approval_approval a on a.channel_id = c.id and a.revision_id = d.revision_id
              where d.outcome <> 'approved' and a.state = 'active'
       union select d.revision_id from approval_decision d join rollout_ring r using (policy_id, cohort_id, revision_id)
               join approval_channel c on c.policy_id = r.policy_id and c.cohort_id = r.cohort_id and c.ring = r.ring
               join approval_approval a on a.channel_id = c.id and a.revision_id = d.revision_id
              where d.outcome = 'approved' and r.state <> 'halted' and (a.state = 'held' or a.verdict_id <> d.verdict_id)`,
    );
    return rows.map((row) => row.revision_id);
  }

  async process(revisionId: string, correlationId: string): Promise<void> {
    const decisions = await this.database.read<DecisionRow>(
      shared,
      `select d.policy_id, d.cohort_id, d.verdict_id, d.outcome, d.reason, d.coverage, p.rules, v.expires_at as verdict_expires_at,
                d.waiver_id, o.until as waived_until
         from approval_decision d join approval_policy p on p.id = d.policy_id left join lab_verdict v on v.id = d.verdict_id
         left join approval_order o on o.id = d.waiver_id
        where d.revision_id = $1`,
      [revisionId],
    );
    for (const decision of decisions) {
      await this.database.transaction(shared, (tx) => this.advance(tx, decision, revisionId, correlationId));
    }
  }

  private async advance(tx: Tx, decision: DecisionRow, revisionId: string, correlationId: string): Promise<void> {
    const rules = PolicyRules.parse(decision.rules);
    const rings = await this.rings(tx, decision, revisionId, decision.outcome === 'approved' ? rules.rings : 0);
    if (rings.length === 0) return;
    // A waiver that has ended may be given again.
    const pauses = decision.outcome === 'waiting' || rings.some(({ waived }) => waived);
    if (decision.outcome !== 'approved' && pauses) return this.pause(tx, decision, revisionId, rings, correlationId);
    if (decision.outcome === 'refused')
      return this.halt(tx, decision, revisionId, rings, decision.reason, correlationId);

    for (const { ring, state, held, outdated } of rings) {
      if (state === 'halted') return;
      if (outdated) await this.offer(tx, decision, revisionId, ring, 0, correlationId);
      if (state === 'closed' || held) {
        const reason = held ? 'Offered again.' : 'Offered to this ring.';
        const to = { state: state === 'closed' ? ('open' as const) : state, reason };
        await this.move(tx, decision, revisionId, ring, state, to, correlationId);
        await this.offer(tx, decision, revisionId, ring, held ? 0 : rules.delayMinutes, correlationId);
      }
      if (state === 'healthy') continue;
      const answer = gate(await countRing(tx, decision, revisionId, ring), rules.soakSeconds, this.clock());
      if (answer.state === 'halted')
        return this.halt(tx, decision, revisionId, rings, `Ring ${ring}: ${answer.reason}`, correlationId);
      await this.move(tx, decision, revisionId, ring, 'open', answer, correlationId);
      if (answer.state !== 'healthy') return;
    }
  }

  private async offer(
    tx: Tx,
    decision: DecisionRow,
    revisionId: string,
    ring: number,
    delayMinutes: number,
    correlationId: string,
  ): Promise<void> {
    const { verdict_id: verdictId, verdict_expires_at: verdictEnd, waived_until: waiverEnd } = decision;
    if (verdictId === null || verdictEnd === null) return;
    const key = { policyId: decision.policy_id, cohortId: decision.cohort_id, ring };
    await approveInChannel(tx, key, {
      revisionId,
      verdictId,
      waiverId: decision.waiver_id,
      coverage: decision.coverage,
      notBefore: new Date(this.clock().getTime() + delayMinutes * 60_000),
      expiresAt: waiverEnd !== null && waiverEnd < verdictEnd ? waiverEnd : verdictEnd,
      approvedAt: this.clock(),
      why: ring === 0 ? decision.reason : `Ring ${ring - 1} is healthy. ${decision.reason}`,
      correlationId,
    });
  }

  /** Offers nothing while the decision waits; the rings stay as they are, and go on from there. */
  private async pause(
    tx: Tx,
    decision: DecisionRow,
    revisionId: string,
    rings: readonly RingRow[],
    correlationId: string,
  ): Promise<void> {
    const { policy_id: policyId, cohort_id: cohortId, reason } = decision;
    for (const { ring, state } of rings) {
      if (state !== 'halted') await this.move(tx, decision, revisionId, ring, state, { state, reason }, correlationId);
    }
    await holdEverywhere(tx, { policyId, cohortId }, revisionId, { reason, at: this.clock(), correlationId });
  }

  private async rings(tx: Tx, decision: DecisionRow, revisionId: string, wanted: number): Promise<RingRow[]> {
    const keys = [decision.policy_id, decision.cohort_id, revisionId];
    await tx.query(
      `insert into rollout_ring (policy_id, cohort_id, revision_id, ring, state, reason, changed_at)
       select $1, $2, $3, ring, 'closed', case ring when 0 then 'Not offered yet.' else 'Waits for ring ' || ring - 1 || '.' end, $5
         from generate_series(0, $4::int - 1) as ring on conflict do nothing`,
      [...keys, wanted, this.clock()],
    );
    return tx.query<RingRow>(
      `select r.ring, r.state, exists (
                select 1 from approval_channel c join approval_approval a on a.channel_id = c.id and a.revision_id = r.revision_id
                 where c.policy_id = r.policy_id and c.cohort_id = r.cohort_id and c.ring = r.ring and a.state = 'held') as held, exists (
                select 1 from approval_channel c join approval_approval a on a.channel_id = c.id and a.revision_id = r.revision_id
                 where c.policy_id = r.policy_id and c.cohort_id = r.cohort_id and c.ring = r.ring and a.waiver_id is not null) as waived, exists (
                select 1 from approval_channel c join approval_approval a on a.channel_id = c.id and a.revision_id = r.revision_id
                 where c.policy_id = r.policy_id and c.cohort_id = r.cohort_id and c.ring = r.ring and a.state = 'active'
                   and a.verdict_id <> $4) as outdated
         from rollout_ring r where r.policy_id = $1 and r.cohort_id = $2 and r.revision_id = $3 order by r.ring for update of r`,
      [...keys, decision.verdict_id],
    );
  }

  private async halt(
    tx: Tx,
    decision: DecisionRow,
    revisionId: string,
    rings: readonly RingRow[],
    reason: string,
    correlationId: string,
  ): Promise<void> {
    for (const { ring, state } of rings) {
      await this.move(tx, decision, revisionId, ring, state, { state: 'halted', reason }, correlationId);
    }
    const key = { policyId: decision.policy_id, cohortId: decision.cohort_id };
    await holdEverywhere(tx, key, revisionId, { reason, at: this.clock(), correlationId });
  }

  private async move(
    tx: Tx,
    decision: DecisionRow,
    revisionId: string,
    ring: number,
    from: RingState,
    to: { readonly state: RingState; readonly reason: string },
    correlationId: string,
  ): Promise<void> {
    if (from !== to.state && !canMove(from, to.state)) return;
    const changed = await tx.query(
      `update rollout_ring set state = $5, reason = $6, changed_at = $7
        where policy_id = $1 and cohort_id = $2 and revision_id = $3 and ring = $4 and (state <> $5 or reason <> $6) returning ring`,
      [decision.policy_id, decision.cohort_id, revisionId, ring, to.state, to.reason, this.clock()],
    );
    if (changed.length === 0) return;
    if (from !== to.state) {
      audit(tx, {
        tenantId: null,
        at: this.clock(),
        actor: 'platform',
        action: `ring.${to.state}`,
        subject: `revision:${revisionId}`,
        why: to.reason,
        detail: { policyId: decision.policy_id, cohortId: decision.cohort_id, ring },
      });
    }
    await publish(tx, { topic: 'rollout.ring-changed', payload: { revisionId }, correlationId });
  }
}

/** Counts the ring's machines: those that reported on the revision, and those that still need it. */
async function countRing(
  tx: Tx,
  { policy_id: policyId, cohort_id: cohortId }: DecisionRow,
  revisionId: string,
  ring: number,
): Promise<{ machines: number; installedHealthy: number; bad: number; lastReportAt: Date | null }> {
  const [row] = await tx.query<{ machines: number; good: number; bad: number; last_report_at: Date | null }>(
    `select count(*)::int as machines,
            count(*) filter (where o.result = 'installed' and o.healthy)::int as good,
            count(*) filter (where o.result <> 'installed' or not o.healthy)::int as bad,
            max(o.reported_at) as last_report_at
       from fleet_device d
       join approval_tenant_policy t on t.tenant_id = d.tenant_id and t.policy_id = $1
       left join rollout_outcome o on o.tenant_id = d.tenant_id and o.device_id = d.id and o.revision_id = $3
      where d.cohort_id = $2 and d.ring = $4 and d.revoked_at is null
        and (o.device_id is not null or exists (
             select 1 from fleet_need n where n.tenant_id = d.tenant_id and n.cohort_id = d.cohort_id and n.revision_id = $3
               and n.devices > 0))`,
    [policyId, cohortId, revisionId, ring],
  );
  return {
    machines: row?.machines ?? 0,
    installedHealthy: row?.good ?? 0,
    bad: row?.bad ?? 0,
    lastReportAt: row?.last_report_at ?? null,
  };
}
