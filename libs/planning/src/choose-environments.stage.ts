import type { Component, Profile } from '@vouch/contracts';
import { wantProfile } from '@vouch/lab';
import { shared, type Clock, type Database, type Stage, type Tx } from '@vouch/platform';
import { nextEnvironment } from './domain/environment-choice.js';

/**
 * Has lab environments built for machines that wait: the best fitting one first, and another when those that were built
 * leave something untested. A profile that nobody resembles costs nothing. Key: the cohort's id.
 */
export class ChooseEnvironmentsStage implements Stage {
  readonly name = 'environments';
  readonly concurrency = 1;
  /** Demand names revisions, not cohorts: what is pending is asked instead. */
  readonly wakes = {} as const;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Cohorts that wait for something, and have no environment, or only settled ones that leave something untestable. */
  async pending(): Promise<string[]> {
    const rows = await this.database.read<{ cohort_id: string }>(
      shared,
      `select d.cohort_id from planning_demand d
        where d.devices > 0
        group by d.cohort_id
       having not exists (select 1 from planning_environment e join lab_profile p on p.digest = e.profile_digest
                           where e.cohort_id = d.cohort_id and p.active)
           or (bool_or(d.untestable <> '' and not d.needs_driver) and not exists (
                 select 1 from planning_environment e join lab_profile p on p.digest = e.profile_digest and p.active
                  where e.cohort_id = d.cohort_id
                    and not exists (select 1 from lab_golden g
                                     where g.profile_digest = e.profile_digest and g.state in ('ready', 'failed'))))`,
    );
    return rows.map((row) => row.cohort_id);
  }

  async process(cohortId: string): Promise<void> {
    await this.database.transaction(shared, async (tx) => {
      const [cohort] = await tx.query<{ components: Component[] }>(
        'select components from planning_cohort where id = $1 for update',
        [cohortId],
      );
      if (!cohort) return;
      const profiles = await tx.query<{ digest: string; name: string; definition: Profile }>(
        'select digest, name, definition from lab_profile where active',
      );
      const next = nextEnvironment(
        profiles.map(({ digest, name, definition }) => ({
          profileDigest: digest,
          name,
          packages: definition.components.map((component) => component.package),
        })),
        new Set(cohort.components.map((component) => component.package)),
        await chosenBefore(tx, cohortId),
      );
      if (next === null) return;
      await tx.query(
        'insert into planning_environment (cohort_id, profile_digest, fit, chosen_at) values ($1, $2, $3, $4)',
        [cohortId, next.environment.profileDigest, next.fit, this.clock()],
      );
      await wantProfile(tx, next.environment.profileDigest, this.clock());
    });
  }
}

async function chosenBefore(tx: Tx, cohortId: string): Promise<Set<string>> {
  const rows = await tx.query<{ profile_digest: string }>(
    'select profile_digest from planning_environment where cohort_id = $1',
    [cohortId],
  );
  return new Set(rows.map((row) => row.profile_digest));
}
