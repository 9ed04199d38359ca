import type { Overview, RunnerState, SourceState } from '@vouch/contracts';
import { actionsOf, scopeOf, type CallerContext } from '@vouch/identity';
import type { Clock, Database, Tx } from '@vouch/platform';
import { loadPatchRows } from './patch-rows.js';
import { loadPatchViews } from './patch-views.js';
import { loadRunViews } from './run-views.js';
import { loadTenantViews } from './tenant-views.js';
import { loadVerdictViews } from './verdict-views.js';

const SILENT_AFTER_MS = 60_000;

/** Reads what one member may see, in one transaction: the picture is of one moment. */
export class OverviewQuery {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly billingIsStandIn: boolean,
  ) {}

  async read(member: CallerContext): Promise<Overview> {
    return this.database.transaction(scopeOf(member), async (tx) => {
      const now = this.clock();
      const sources = await loadSources(tx);
      const runners = await loadRunners(tx, now);
      const goldens = await loadGoldens(tx);
      const rows = await loadPatchRows(tx);
      const runIds = rows.flatMap((row) => (row.run_id === null ? [] : [row.run_id]));
      const runs = await loadRunViews(tx, runIds);
      const verdicts = await loadVerdictViews(tx, runIds);
      return {
        at: now.toISOString(),
        member: { name: member.name, email: member.email, role: member.role, actions: actionsOf(member) },
        msp: member.msp,
        billingIsStandIn: this.billingIsStandIn,
        problems: problemsOf(sources, runners, goldens),
        sources,
        runners,
        goldens,
        patches: await loadPatchViews(tx, rows, runs, verdicts),
        tenants: await loadTenantViews(tx, rows),
      };
    });
  }
}

async function loadSources(tx: Tx): Promise<SourceState[]> {
  const rows = await tx.query<{
    id: string;
    title: string;
    state: SourceState['state'];
    reason: string;
    last_verified_at: Date | null;
    valid_until: Date | null;
  }>('select id, title, state, reason, last_verified_at, valid_until from catalog_source order by id');
  return rows.map(({ id, title, state, reason, last_verified_at, valid_until }) => ({
    id,
    title,
    state,
    reason,
    lastVerifiedAt: last_verified_at?.toISOString() ?? null,
    validUntil: valid_until?.toISOString() ?? null,
  }));
}

async function loadRunners(tx: Tx, now: Date): Promise<RunnerState[]> {
  const rows = await tx.query<{
    name: string;
    state: 'ready' | 'preparing' | 'unavailable';
    reason: string;
    drivers: { name: string }[];
    last_seen_at: Date;
  }>('select name, state, reason, drivers, last_seen_at from lab_runner order by name');
  return rows.map((row) => {
    const silent = row.state === 'ready' && now.getTime() - row.last_seen_at.getTime() > SILENT_AFTER_MS;
    return {
      name: row.name,
      state: silent ? 'silent' : row.state,
      reason: silent ? 'The lab-runner has not been heard of for a minute.' : row.reason,
      drivers: row.drivers.map((driver) => driver.name),
      lastSeenAt: row.last_seen_at.toISOString(),
    };
  });
}

async function loadGoldens(tx: Tx): Promise<Overview['goldens']> {
  return tx.query<Overview['goldens'][number]>(
    `select case when g.driver <> 'sandbox' then format('%s (%s)', p.title, g.driver) else p.title end as profile,
            coalesce(g.state, 'wanted') as state, coalesce(g.reason, '') as reason,
            coalesce(jsonb_array_length(g.components), 0) as packages
       from lab_profile p left join lab_golden g on g.profile_digest = p.digest where p.active order by p.name`,
  );
}

function problemsOf(
  sources: readonly SourceState[],
  runners: readonly RunnerState[],
  goldens: Overview['goldens'],
): string[] {
  const problems: string[] = [];
  for (const { state, title, reason } of sources) {
    if (state !== 'ok' && state !== 'new') problems.push(`${title}: ${reason}`);
  }
  if (sources.length === 0)
    problems.push('No source of patches is known: this machine has no Debian or Ubuntu sources configured.');
  if (runners.length === 0) problems.push('No lab-runner has come yet, so nothing can be tested.');
  for (const { state, name, reason } of runners) {
    if (state === 'unavailable' || state === 'silent') problems.push(`Lab "${name}": ${reason}`);
  }
  for (const { state, profile, reason } of goldens) {
    if (state === 'failed') problems.push(`The lab environment "${profile}" could not be built: ${reason}`);
  }
  return problems;
}
