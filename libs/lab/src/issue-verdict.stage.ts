import { seal, STATEMENT_PAYLOAD_TYPE, verdictStatement, type Signer } from '@vouch/evidence';
import type { Artefact, RunObservations, TestPlan } from '@vouch/contracts';
import {
  audit,
  idOf,
  publish,
  sha256Hex,
  shared,
  type Clock,
  type Database,
  type Stage,
  type Tx,
} from '@vouch/platform';
import { unobserved, verdict } from './domain/verdict.js';
import { lackingCapabilities } from './domain/capabilities.js';
import { faultOf, repeatAt } from './domain/test-again.js';
import { endRunsWithoutGolden } from './end-queued-runs.js';
import { artefactsOfRun, type RunQueue } from './run-queue.js';

interface ReportedRun {
  id: string;
  revision_id: string;
  golden_digest: string;
  plan: TestPlan;
  plan_digest: string;
  profile: string;
  correlation_id: string;
  observations: RunObservations | null;
  evidence: { name: string; sha256: string }[];
  started_at: Date | null;
  finished_at: Date;
  source_id: string;
  external_id: string;
  version: string;
  metadata_sha256: string;
  lab_repeats: number;
}

/** Judges reported runs and signs the verdicts. Key: the run's id. */
export class IssueVerdictStage implements Stage {
  readonly name = 'verdict';
  readonly concurrency = 2;
  readonly wakes = {
    'lab.run-reported': (payload: Readonly<Record<string, unknown>>) => String(payload['runId']),
  } as const;

  constructor(
    private readonly database: Database,
    private readonly queue: RunQueue,
    private readonly signer: Signer,
    private readonly clock: Clock,
    private readonly validDays: number,
  ) {}

  async pending(): Promise<string[]> {
    await this.queue.recoverLostLeases();
    await this.database.transaction(shared, (tx) => endRunsWithoutGolden(tx, this.clock()));
    const rows = await this.database.read<{ id: string }>(
      shared,
      `select id from lab_test_run where state = 'reported'`,
    );
    return rows.map((row) => row.id);
  }

  async process(runId: string): Promise<void> {
    const facts = await this.database.transaction(shared, async (tx) => {
      const run = await reportedRun(tx, runId);
      return run && { run, requested: await artefactsOfRun(tx, runId) };
    });
    if (!facts) return;
    const { run, requested } = facts;
    const issuedAt = this.clock();
    const expiresAt = new Date(issuedAt.getTime() + this.validDays * 86_400_000);
    const observations = run.observations ?? unobserved(run.golden_digest, run.plan);
    const judged = verdict(observations, { artefacts: requested, goldenDigest: run.golden_digest, plan: run.plan });
    const statement = statementOf(run, observations, requested, judged, issuedAt, expiresAt);
    const envelope = await seal(STATEMENT_PAYLOAD_TYPE, statement, this.signer);
    const verdictId = idOf('verdict', runId);
    await this.database.transaction(shared, async (tx) => {
      const judgedNow = await tx.query(
        `update lab_test_run set state = 'judged' where id = $1 and state = 'reported' returning id`,
        [runId],
      );
      if (judgedNow.length === 0) return;
      await tx.query(
        `insert into lab_verdict (id, run_id, revision_id, golden_digest, result, sentence, reasons, covered, not_covered, reversible, cautions,
                                  statement_sha256, key_id, envelope, issued_at, expires_at, repeat_at, lacking)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
        [
          verdictId,
          runId,
          run.revision_id,
          run.golden_digest,
          judged.result,
          judged.sentence,
          JSON.stringify(judged.reasons),
          JSON.stringify(judged.covered),
          JSON.stringify(judged.notCovered),
          judged.reversible,
          JSON.stringify(judged.cautions),
          sha256Hex(statement),
          this.signer.keyId,
          JSON.stringify(envelope),
          issuedAt,
          expiresAt,
          repeatAt(judged.result, faultOf(run.observations, requested), run.lab_repeats, issuedAt, expiresAt),
          JSON.stringify(run.observations === null ? [] : lackingCapabilities(run.observations, requested)),
        ],
      );
      audit(tx, {
        tenantId: null,
        at: issuedAt,
        actor: 'platform',
        action: `verdict.${judged.result}`,
        subject: `revision:${run.revision_id}`,
        why: judged.sentence,
        detail: { runId, statementSha256: sha256Hex(statement), keyId: this.signer.keyId },
      });
      await publish(tx, {
        topic: 'lab.verdict-issued',
        payload: { verdictId, revisionId: run.revision_id, runId },
        correlationId: run.correlation_id,
      });
    });
  }
}

function statementOf(
  run: ReportedRun,
  observations: RunObservations,
  requested: readonly Artefact[],
  judged: ReturnType<typeof verdict>,
  issuedAt: Date,
  expiresAt: Date,
): Buffer {
  return verdictStatement({
    ...judged,
    patch: {
      source: run.source_id,
      externalId: run.external_id,
      version: run.version,
      revisionId: run.revision_id,
      metadataSha256: run.metadata_sha256,
    },
    tested: requested,
    lab: {
      driver: observations.driver,
      fidelity: observations.fidelity,
      goldenDigest: run.golden_digest,
      profile: run.profile,
      planDigest: run.plan_digest,
    },
    steps: observations.steps,
    ...(observations.control === undefined ? {} : { controlSha256: observations.control.sha256 }),
    repeats: (observations.repeats ?? []).map(({ steps, failure }) => ({ steps, failure: failure?.code ?? null })),
    evidence: run.evidence,
    runId: run.id,
    startedAt: (run.started_at ?? run.finished_at).toISOString(),
    finishedAt: run.finished_at.toISOString(),
    issuedAt: issuedAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  });
}

async function reportedRun(tx: Tx, runId: string): Promise<ReportedRun | null> {
  const [run] = await tx.query<ReportedRun>(
    `select r.id, r.revision_id, r.golden_digest, r.plan, r.plan_digest, l.name as profile, r.correlation_id, r.observations,
            r.evidence, r.started_at, r.finished_at, p.source_id, p.external_id, v.version, v.metadata_sha256, r.lab_repeats
       from lab_test_run r
       join lab_profile l on l.digest = r.profile_digest
       join catalog_revision v on v.id = r.revision_id
       join catalog_patch p on p.id = v.patch_id
      where r.id = $1 and r.state = 'reported'`,
    [runId],
  );
  return run ?? null;
}
