import type { Artefact, Capability, Component, TestPlan } from '@vouch/contracts';
import {
  enqueueRun,
  isLeftBehind,
  passOverRepeats,
  requiredCapabilities,
  silentSince,
  URGENCY,
  wantGoldens,
} from '@vouch/lab';
import { shared, type Clock, type Database, type Stage, type Tx } from '@vouch/platform';
import { coverageOf } from './domain/coverage.js';
import { patchForGolden, type OfferedArtefact } from './domain/patch-for-golden.js';
import {
  canExercise,
  capableDrivers,
  capableGoldens,
  whyNotExercised,
  type KnownDriver,
} from './domain/route-patch.js';
import { smallestPlan, type Candidate } from './domain/smallest-plan.js';

/** Brings the exact bytes of artefacts into the content store, or says why they are refused. */
export interface ArtefactFetcher {
  /** @returns null when all are stored, else the reason in a sentence */
  fetch(revisionId: string, artefacts: readonly Artefact[]): Promise<string | null>;
}

export interface PlanSettings {
  readonly plan: TestPlan;
  readonly planDigest: string;
  readonly rolesOf: (services: readonly string[]) => string[];
  /** Below this distance a golden says too little about a cohort to spend a test on it. */
  readonly minimumCoverage: number;
}

interface DemandRow {
  cohort_id: string;
  packages: string[];
  devices: number;
  origins: string[];
  roles: string[];
  components: Component[];
}

interface GoldenRow {
  profile_digest: string;
  digest: string;
  driver: string;
  components: Component[];
  services: string[];
  capabilities: Capability[];
}

/** What a lab found that it would have had to exercise, in the environment of a profile. */
interface Lacking {
  profile: string;
  capability: Capability;
}

/** A golden `g` that is there. While a runner looks whether it has to be built anew, what was built before is. */
const USABLE = `g.state in ('ready', 'building') and g.digest is not null`;

/** Turns demand for a revision into the fewest test runs that answer it. Key: the revision's id. */
export class PlanRunsStage implements Stage {
  readonly name = 'planning';
  readonly concurrency = 2;
  readonly wakes = {
    'planning.demand-changed': (payload: Readonly<Record<string, unknown>>) => String(payload['revisionId']),
    'catalog.urgency-changed': (payload: Readonly<Record<string, unknown>>) => String(payload['revisionId']),
    'lab.verdict-issued': (payload: Readonly<Record<string, unknown>>) => String(payload['revisionId']),
  } as const;

  constructor(
    private readonly database: Database,
    private readonly artefacts: ArtefactFetcher,
    private readonly settings: PlanSettings,
    private readonly clock: Clock,
  ) {}

  /**
   * Revisions that machines wait for and that no ready golden has been given yet, or whose test on one is due again: the most
   * awaited first. A test that a lab could not do for want of what it can exercise is none.
   */
  async pending(): Promise<string[]> {
    const rows = await this.database.read<{ revision_id: string }>(
      shared,
      `select d.revision_id from planning_demand d
         join catalog_revision v on v.id = d.revision_id and v.state = 'offered'
        where d.devices > 0 and exists (select 1 from lab_golden g join lab_profile p on p.digest = g.profile_digest and p.active
                                         where g.state = 'ready')
          and (not exists (select 1 from lab_test_run r join lab_golden g on g.digest = r.golden_digest and ${USABLE}
                             left join lab_verdict j on j.run_id = r.id
                            where r.revision_id = d.revision_id and not (r.state = 'cancelled' and r.golden_gone)
                              and coalesce(j.lacking, '[]') = '[]')
            or exists (select 1 from lab_verdict j join lab_test_run r on r.id = j.run_id
                         join lab_golden g on g.digest = r.golden_digest and g.state = 'ready'
                        where j.revision_id = d.revision_id and (j.repeat_at <= $1 or r.repeat_asked_at is not null)
                          and not exists (select 1 from lab_test_run n
                                           where n.revision_id = r.revision_id and n.golden_digest = r.golden_digest
                                             and n.plan_digest = r.plan_digest and n.generation > r.generation)))
        group by d.revision_id order by sum(d.devices) desc limit 200`,
      [this.clock()],
    );
    return rows.map((row) => row.revision_id);
  }

  async process(revisionId: string, correlationId: string): Promise<void> {
    const { goldens, demand, offered, drivers, urgency, lacking, taken } = await this.facts(revisionId);
    const at = this.clock();
    const testable = new Map(goldens.map((golden) => [golden.digest, patchForGolden(offered, golden.components)]));
    const candidates: Candidate[] = [];
    const needs = ({ digest, profile_digest: profile }: GoldenRow): Capability[] => [
      ...requiredCapabilities(testable.get(digest) ?? []),
      ...lacking.filter((found) => found.profile === profile).map(({ capability }) => capability),
    ];
    for (const golden of capableGoldens(goldens, needs)) {
      if (testable.get(golden.digest)?.length === 0) continue;
      const lab = { components: golden.components, roles: this.settings.rolesOf(golden.services) };
      const covers = new Map<string, number>();
      let alike = 0;
      for (const row of demand) {
        const { score } = coverageOf(lab, row, row.packages);
        if (score < this.settings.minimumCoverage) continue;
        covers.set(row.cohort_id, row.devices);
        alike += score * row.devices;
      }
      const machines = [...covers.values()].reduce((sum, count) => sum + count, 0);
      const { digest } = golden;
      if (covers.size > 0)
        candidates.push({ goldenDigest: digest, covers, likeness: alike / machines, taken: taken.has(digest) });
    }

    await this.noteUntestable(revisionId, demand, candidates, { goldens, drivers, lacking });
    const devices = demand.reduce((sum, row) => sum + row.devices, 0);
    const chosen = smallestPlan(candidates);
    for (const digest of chosen) {
      const artefacts = testable.get(digest) ?? [];
      const golden = goldens.find((g) => g.digest === digest);
      if (!golden || (await this.artefacts.fetch(revisionId, artefacts)) !== null) continue;
      await this.database.transaction(shared, (tx) =>
        enqueueRun(tx, {
          revisionId,
          profileDigest: golden.profile_digest,
          golden,
          plan: this.settings.plan,
          planDigest: this.settings.planDigest,
          artefacts,
          priority: devices,
          urgency,
          origins: [...new Set(demand.flatMap(({ origins }) => origins))].sort(),
          correlationId,
          at,
        }),
      );
    }
    await this.database.transaction(shared, (tx) => passOverRepeats(tx, revisionId, chosen, at));
  }

  /** Says of each cohort that no golden covers why it waits (I8). */
  private async noteUntestable(
    revisionId: string,
    demand: readonly DemandRow[],
    candidates: readonly Candidate[],
    lab: {
      readonly goldens: readonly GoldenRow[];
      readonly drivers: readonly KnownDriver[];
      readonly lacking: readonly Lacking[];
    },
  ): Promise<void> {
    const { goldens, drivers, lacking } = lab;
    await this.database.transaction(shared, async (tx) => {
      for (const { cohort_id: cohort, packages } of demand) {
        const covered = candidates.some((candidate) => candidate.covers.has(cohort));
        const needs = [
          ...new Set([
            ...requiredCapabilities(packages.map((name) => ({ package: name }))),
            ...lacking.map(({ capability }) => capability),
          ]),
        ];
        const exercised = goldens.some((golden) => canExercise(needs, golden.capabilities));
        const [able] = covered || exercised ? [] : capableDrivers(needs, drivers);
        if (able !== undefined) await wantGoldens(tx, able.name, await environmentsOf(tx, cohort));
        const reason = covered
          ? ''
          : exercised
            ? `No lab environment that resembles these machines has ${packages.join(', ')} installed.`
            : whyNotExercised(needs, drivers);
        await tx.query(
          `update planning_demand set untestable = $3, needs_driver = $4 where revision_id = $1 and cohort_id = $2
              and (untestable, needs_driver) is distinct from ($3, $4)`,
          [revisionId, cohort, reason, !covered && !exercised],
        );
      }
    });
  }

  private facts(revisionId: string): Promise<{
    goldens: GoldenRow[];
    demand: DemandRow[];
    offered: OfferedArtefact[];
    drivers: KnownDriver[];
    urgency: number;
    lacking: Lacking[];
    taken: Set<string>;
  }> {
    return this.database.transaction(shared, async (tx) => ({
      goldens: await tx.query<GoldenRow>(
        `select distinct on (g.digest) g.profile_digest, g.digest, g.driver, g.components, g.services,
                coalesce(d.value -> 'capabilities', '[]') as capabilities
           from lab_golden g join lab_profile p on p.digest = g.profile_digest and p.active
           join lab_runner r on r.id = g.runner_id
           left join lateral jsonb_array_elements(r.drivers) d on d.value ->> 'name' = g.driver
          where ${USABLE} and not ${isLeftBehind('g', '$1')} order by g.digest`,
        [silentSince(this.clock())],
      ),
      drivers: await tx.query<KnownDriver>(
        `select distinct on (d.value ->> 'name') d.value ->> 'name' as name, d.value -> 'capabilities' as capabilities
           from lab_runner, jsonb_array_elements(drivers) d where state <> 'unavailable' order by d.value ->> 'name'`,
      ),
      demand: await tx.query<DemandRow>(
        `select d.cohort_id, d.packages, d.devices, d.origins, c.roles, c.components
           from planning_demand d join planning_cohort c on c.id = d.cohort_id where d.revision_id = $1 and d.devices > 0`,
        [revisionId],
      ),
      offered: await offeredArtefacts(tx, revisionId),
      urgency: await urgencyOf(tx, revisionId),
      lacking: await lackingOf(tx, revisionId),
      taken: await takenOf(tx, revisionId),
    }));
  }
}

/** Digests of the goldens on which a revision was tested, or waits to be. What a lab lacked something for does not count. */
async function takenOf(tx: Tx, revisionId: string): Promise<Set<string>> {
  const rows = await tx.query<{ golden_digest: string }>(
    `select r.golden_digest from lab_test_run r left join lab_verdict j on j.run_id = r.id
      where r.revision_id = $1 and not (r.state = 'cancelled' and r.golden_gone) and coalesce(j.lacking, '[]') = '[]'`,
    [revisionId],
  );
  return new Set(rows.map(({ golden_digest: digest }) => digest));
}

/** The profiles that were chosen for a cohort's machines. */
async function environmentsOf(tx: Tx, cohortId: string): Promise<string[]> {
  const rows = await tx.query<{ profile_digest: string }>(
    'select profile_digest from planning_environment where cohort_id = $1',
    [cohortId],
  );
  return rows.map((row) => row.profile_digest);
}

/** What is known to be exploited goes first, then what a vendor says is for security. */
async function urgencyOf(tx: Tx, revisionId: string): Promise<number> {
  const [row] = await tx.query<{ exploited: boolean; security: boolean }>(
    `select e.patch_id is not null as exploited, coalesce(s.definition ->> 'kind' = 'security', false) as security
       from catalog_revision v join catalog_patch p on p.id = v.patch_id join catalog_source s on s.id = p.source_id
       left join catalog_exploited e on e.patch_id = p.id where v.id = $1`,
    [revisionId],
  );
  if (row?.exploited === true) return URGENCY.exploited;
  return row?.security === true ? URGENCY.security : URGENCY.routine;
}

async function lackingOf(tx: Tx, revisionId: string): Promise<Lacking[]> {
  return tx.query<Lacking>(
    `select distinct r.profile_digest as profile, capability from lab_verdict v join lab_test_run r on r.id = v.run_id
      cross join jsonb_array_elements_text(v.lacking) as capability where v.revision_id = $1 order by 1, 2`,
    [revisionId],
  );
}

async function offeredArtefacts(tx: Tx, revisionId: string): Promise<OfferedArtefact[]> {
  return tx.query<OfferedArtefact>(
    `select a.package, a.version, a.architecture, a.file_name as "fileName", a.size_bytes as "sizeBytes", a.sha256, a.stanza
       from catalog_artefact a join catalog_revision v on v.id = a.revision_id and v.state = 'offered'
      where a.revision_id = $1 order by a.package`,
    [revisionId],
  );
}
