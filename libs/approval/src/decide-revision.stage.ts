import { coverageOf, type Coverage } from '@vouch/planning';
import { PolicyRules, type Component } from '@vouch/contracts';
import { audit, publish, shared, type Clock, type Database, type Stage, type Tx } from '@vouch/platform';
import { bestVerdict, type MeasuredVerdict } from './domain/best-verdict.js';
import { decide, type Decision, type RevisionFacts, type VerdictFacts } from './domain/decide.js';
import { loadOrders, openOrdersOf, type OrderRow } from './open-orders.js';

interface CaseRow {
  policy_id: string;
  msp_id: string;
  rules: unknown;
  cohort_id: string;
  roles: string[];
  components: Component[];
  packages: string[];
}

interface VerdictRow {
  id: string;
  key_id: string;
  result: VerdictFacts['result'];
  sentence: string;
  issued_at: Date;
  expires_at: Date;
  golden_digest: string;
  reversible: boolean | null;
  fidelity: 'full' | 'reduced' | null;
  components: Component[];
  services: string[];
}

interface RevisionRow {
  state: RevisionFacts['state'];
  reason: string;
  source_state: RevisionFacts['sourceState'];
  source_reason: string;
}

/**
 * Asks each policy, for each cohort that waits for a revision, whether it is approved, and keeps the newest answer with
 * its reason. What follows from an approval (rings, channels) is the rollout's business. Key: the revision's id.
 */
export class DecideRevisionStage implements Stage {
  readonly name = 'approval';
  readonly concurrency = 2;
  readonly wakes = {
    'lab.verdict-issued': (payload: Readonly<Record<string, unknown>>) => String(payload['revisionId']),
    'approval.ordered': (payload: Readonly<Record<string, unknown>>) => String(payload['revisionId']),
  } as const;

  constructor(
    private readonly database: Database,
    private readonly rolesOf: (services: readonly string[]) => string[],
    private readonly clock: Clock,
    /** Ids of the keys whose verdicts are believed: those in use and those rotated out, none that was revoked. */
    private readonly believed: readonly string[],
  ) {}

  /**
   * Revisions with a verdict, wanted under a policy that has not answered to this verdict, to the vendor's newest state, to
   * its own newest rules or to an order yet, or that rest on a verdict that has ended or whose key was revoked since. A policy that waits is asked again after each good poll of the source: what it waited for may have come.
   */
  async pending(): Promise<string[]> {
    const rows = await this.database.read<{ revision_id: string }>(
      shared,
      `select distinct v.revision_id from lab_verdict v
         join fleet_need n on n.revision_id = v.revision_id
         join approval_tenant_policy t on t.tenant_id = n.tenant_id
         join approval_policy y on y.id = t.policy_id
         join catalog_revision r on r.id = v.revision_id
         join catalog_patch p on p.id = r.patch_id
         join catalog_source s on s.id = p.source_id
         left join approval_decision d on d.policy_id = t.policy_id and d.cohort_id = n.cohort_id and d.revision_id = v.revision_id
        where d.policy_id is null or d.decided_at < v.issued_at or (d.outcome = 'approved' and r.state <> 'offered')
           or (d.outcome = 'waiting' and s.state = 'ok' and s.last_verified_at > d.decided_at)
           or (d.outcome = 'approved' and d.verdict_id = v.id and v.key_id <> all ($1))
           or (d.verdict_id = v.id and v.expires_at <= $2 and d.decided_at < v.expires_at)
           or d.decided_at <= y.changed_at
           or exists (select 1 from approval_order o where o.msp_id = y.msp_id and o.revision_id = v.revision_id
                and (d.decided_at <= o.ordered_at or d.decided_at <= o.ended_at or (o.until <= $2 and d.waiver_id = o.id)))
        limit 500`,
      [this.believed, this.clock()],
    );
    return rows.map((row) => row.revision_id);
  }

  async process(revisionId: string, correlationId: string): Promise<void> {
    await this.database.transaction(shared, async (tx) => {
      const [revision] = await tx.query<RevisionRow>(
        `select v.state, v.reason, s.state as source_state, s.reason as source_reason
           from catalog_revision v join catalog_patch p on p.id = v.patch_id join catalog_source s on s.id = p.source_id
          where v.id = $1`,
        [revisionId],
      );
      if (!revision) return;
      const all = await verdictsOf(tx, revisionId);
      const verdicts = all.filter(({ key_id: keyId }) => this.believed.includes(keyId));
      const facts = {
        ...revision,
        sourceState: revision.source_state,
        sourceReason: revision.source_reason,
        verdictsRevoked: all.length - verdicts.length,
      };
      const ordered = await loadOrders(tx, revisionId, this.clock());
      for (const wanted of await casesOf(tx, revisionId)) {
        const best = bestVerdict(this.measured(verdicts, wanted), this.clock());
        const orders = openOrdersOf(ordered, wanted.msp_id, best?.id);
        const decision = decide(PolicyRules.parse(wanted.rules), best, facts, this.clock(), orders);
        await this.keep(tx, wanted, revisionId, best, decision, orders);
      }
      await publish(tx, { topic: 'approval.decided', payload: { revisionId }, correlationId });
    });
  }

  /** Each verdict with the distance from its lab to the machines in question. */
  private measured(verdicts: readonly VerdictRow[], wanted: CaseRow): (MeasuredVerdict & { coverage: Coverage })[] {
    return verdicts.map((row) => ({
      id: row.id,
      goldenDigest: row.golden_digest,
      issuedAt: row.issued_at,
      result: row.result,
      sentence: row.sentence,
      expiresAt: row.expires_at,
      reversible: row.reversible,
      fidelity: row.fidelity ?? ('reduced' as const),
      coverage: coverageOf({ components: row.components, roles: this.rolesOf(row.services) }, wanted, wanted.packages),
    }));
  }

  private async keep(
    tx: Tx,
    wanted: CaseRow,
    revisionId: string,
    best: { id: string; coverage: Coverage } | null,
    { outcome, reason, waived }: Decision,
    { hold, waiver }: { readonly hold?: OrderRow; readonly waiver?: OrderRow },
  ): Promise<void> {
    const waiverId = waived === true ? (waiver?.id ?? null) : null;
    const changed = await tx.query(
      `insert into approval_decision (policy_id, cohort_id, revision_id, verdict_id, outcome, reason, coverage, decided_at, hold_id, waiver_id)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       on conflict (policy_id, cohort_id, revision_id) do update set verdict_id = excluded.verdict_id,
         outcome = excluded.outcome, reason = excluded.reason, coverage = excluded.coverage, decided_at = excluded.decided_at,
         hold_id = excluded.hold_id, waiver_id = excluded.waiver_id
       returning (select outcome from approval_decision d where d.policy_id = $1 and d.cohort_id = $2 and d.revision_id = $3) as before`,
      [
        wanted.policy_id,
        wanted.cohort_id,
        revisionId,
        best?.id ?? null,
        outcome,
        reason,
        best === null ? null : JSON.stringify(best.coverage),
        this.clock(),
        hold?.id ?? null,
        waiverId,
      ],
    );
    if (changed[0]?.['before'] === outcome) return;
    audit(tx, {
      tenantId: null,
      at: this.clock(),
      actor: 'platform',
      action: `approval.${outcome}`,
      subject: `revision:${revisionId}`,
      why: reason,
      detail: { policyId: wanted.policy_id, cohortId: wanted.cohort_id, verdictId: best?.id ?? null, waiverId },
    });
  }
}

async function casesOf(tx: Tx, revisionId: string): Promise<CaseRow[]> {
  return tx.query<CaseRow>(
    `select distinct p.id as policy_id, p.msp_id, p.rules, c.id as cohort_id, c.roles, c.components, d.packages
       from fleet_need n
       join approval_tenant_policy t on t.tenant_id = n.tenant_id
       join approval_policy p on p.id = t.policy_id
       join planning_cohort c on c.id = n.cohort_id
       join planning_demand d on d.cohort_id = n.cohort_id and d.revision_id = n.revision_id
      where n.revision_id = $1`,
    [revisionId],
  );
}

async function verdictsOf(tx: Tx, revisionId: string): Promise<VerdictRow[]> {
  return tx.query<VerdictRow>(
    `select v.id, v.key_id, v.result, v.sentence, v.issued_at, v.expires_at, v.golden_digest, v.reversible,
            r.observations->>'fidelity' as fidelity, g.components, g.services
       from lab_verdict v join lab_test_run r on r.id = v.run_id join lab_tested_golden g on g.digest = v.golden_digest
      where v.revision_id = $1 order by v.id`,
    [revisionId],
  );
}
