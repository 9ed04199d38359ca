import type { CohortFact, DemandFact } from '@vouch/contracts';
import { publish, shared, type Clock, type Database } from '@vouch/platform';

/** Keeps demand: anonymous facts that the tenant half pushes here. What nobody waits for any more stays with 0 machines. */
export class RecordDemand {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async record(cohorts: readonly CohortFact[], demand: readonly DemandFact[], correlationId: string): Promise<void> {
    await this.database.transaction(shared, async (tx) => {
      for (const cohort of cohorts) {
        await tx.query(
          `insert into planning_cohort (id, key, stream, roles, label, components) values ($1, $2, $3, $4, $5, $6)
           on conflict (id) do update set components = excluded.components`,
          [
            cohort.id,
            cohort.key,
            cohort.stream,
            JSON.stringify(cohort.roles),
            cohort.label,
            JSON.stringify(cohort.components),
          ],
        );
      }
      const changed = await tx.query<{ revision_id: string }>(
        `insert into planning_demand (revision_id, cohort_id, packages, devices, origins, first_at)
         select d.revision_id, d.cohort_id, d.packages, d.devices,
                (select coalesce(array_agg(o::uuid), '{}') from jsonb_array_elements_text(d.origins) o), $6
           from unnest($1::uuid[], $2::uuid[], $3::jsonb[], $4::int[], $5::jsonb[])
             as d (revision_id, cohort_id, packages, devices, origins)
         on conflict (revision_id, cohort_id) do update
           set packages = excluded.packages, devices = excluded.devices, origins = excluded.origins
          where (planning_demand.devices, planning_demand.packages, planning_demand.origins)
                is distinct from (excluded.devices, excluded.packages, excluded.origins)
         returning revision_id`,
        [
          demand.map((d) => d.revisionId),
          demand.map((d) => d.cohortId),
          demand.map((d) => JSON.stringify(d.packages)),
          demand.map((d) => d.devices),
          demand.map((d) => JSON.stringify(d.origins)),
          this.clock(),
        ],
      );
      const met = await tx.query<{ revision_id: string }>(
        `update planning_demand p set devices = 0
          where p.devices > 0 and not exists (
            select 1 from unnest($1::uuid[], $2::uuid[]) as d (revision_id, cohort_id)
             where d.revision_id = p.revision_id and d.cohort_id = p.cohort_id)
         returning revision_id`,
        [demand.map((d) => d.revisionId), demand.map((d) => d.cohortId)],
      );
      const revisions = new Set([...changed, ...met].map((row) => row.revision_id));
      await publish(
        tx,
        ...[...revisions].map((revisionId) => ({
          topic: 'planning.demand-changed' as const,
          payload: { revisionId },
          correlationId,
        })),
      );
    });
  }
}
