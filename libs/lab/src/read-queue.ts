import type { LabQueue, RunnerHello, Urgency } from '@vouch/contracts';
import { shared, type Database } from '@vouch/platform';
import { URGENCY } from './domain/fair-queue.js';

const MOST = 500;
const MOST_JUDGED = 20;

/** The queue of test runs and the hosts that work on it, for whoever runs the installation. */
export class ReadQueue {
  constructor(private readonly database: Database) {}

  async read(): Promise<Omit<LabQueue, 'exploited'>> {
    return this.database.transaction(shared, async (tx) => {
      const [count] = await tx.query<{ n: number }>(
        `select count(*)::int as n from lab_test_run where state = 'queued'`,
      );
      const runs = await tx.query<RunRow>(
        `select r.id, r.revision_id, p.external_id as patch, v.version, f.title as profile, r.state, r.urgency, r.attempt,
                r.priority as machines, cardinality(r.origins) as origins, n.name as runner, r.queued_at, r.started_at, r.driver
           from lab_test_run r join lab_profile f on f.digest = r.profile_digest
           join catalog_revision v on v.id = r.revision_id join catalog_patch p on p.id = v.patch_id
           left join lab_runner n on n.id = r.runner_id
          where r.state in ('queued', 'leased', 'running')
          order by r.state = 'queued', r.urgency desc, r.priority desc, r.queued_at, r.id limit ${MOST}`,
      );
      const hosts = await tx.query<HostRow>(
        `select n.name, n.state, n.reason, n.last_seen_at, n.drivers,
                (select coalesce(jsonb_object_agg(driver, busy), '{}') from (
                   select r.driver, count(*) as busy from lab_test_run r
                    where r.runner_id = n.id and r.state in ('leased', 'running') group by r.driver) at_work) as busy
           from lab_runner n order by n.name, n.id`,
      );
      const judged = await tx.query<JudgedRow>(
        `select r.id, r.revision_id, p.external_id as patch, v.version, f.title as profile, r.driver, j.result, j.sentence,
                j.issued_at, r.repeat_asked_at is not null as asked
           from lab_verdict j join lab_test_run r on r.id = j.run_id join lab_profile f on f.digest = r.profile_digest
           join catalog_revision v on v.id = r.revision_id join catalog_patch p on p.id = v.patch_id
          where not exists (select 1 from lab_test_run n
                             where n.revision_id = r.revision_id and n.golden_digest = r.golden_digest
                               and n.plan_digest = r.plan_digest and n.generation > r.generation)
          order by j.issued_at desc, r.id limit ${MOST_JUDGED}`,
      );
      return {
        waiting: count?.n ?? 0,
        runs: runs.map(runView),
        judged: judged.map(judgedView),
        hosts: hosts.map(hostView),
      };
    });
  }
}

interface RunRow extends Omit<LabQueue['runs'][number], 'revisionId' | 'urgency' | 'queuedAt' | 'startedAt'> {
  revision_id: string;
  urgency: number;
  queued_at: Date;
  started_at: Date | null;
}

interface JudgedRow extends Omit<LabQueue['judged'][number], 'revisionId' | 'judgedAt' | 'repeatAsked'> {
  revision_id: string;
  issued_at: Date;
  asked: boolean;
}

interface HostRow extends Pick<LabQueue['hosts'][number], 'name' | 'state' | 'reason'> {
  last_seen_at: Date;
  drivers: RunnerHello['drivers'];
  busy: Record<string, number>;
}

const runView = ({ revision_id, urgency, queued_at, started_at, ...run }: RunRow): LabQueue['runs'][number] => ({
  ...run,
  revisionId: revision_id,
  urgency: nameOf(urgency),
  queuedAt: queued_at.toISOString(),
  startedAt: started_at?.toISOString() ?? null,
});

const judgedView = ({ revision_id, issued_at, asked, ...run }: JudgedRow): LabQueue['judged'][number] => ({
  ...run,
  revisionId: revision_id,
  judgedAt: issued_at.toISOString(),
  repeatAsked: asked,
});

const hostView = ({ last_seen_at, drivers, busy, ...host }: HostRow): LabQueue['hosts'][number] => ({
  ...host,
  lastSeenAt: last_seen_at.toISOString(),
  drivers: drivers.map(({ name, fidelity, capacity }) => ({
    name,
    fidelity,
    capacity: capacity ?? null,
    busy: busy[name] ?? 0,
  })),
});

const nameOf = (urgency: number): Urgency =>
  urgency === URGENCY.exploited ? 'exploited' : urgency === URGENCY.security ? 'security' : 'routine';
