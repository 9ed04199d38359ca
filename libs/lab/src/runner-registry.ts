import type { GoldenReport, Profile, RunnerHello, RunnerWelcome } from '@vouch/contracts';
import { idOf, publish, shared, type Clock, type Database, type Tx } from '@vouch/platform';

/** A runner speaks of a profile that was never declared. */
export class ProfileUnknown extends Error {
  readonly code = 'profile-unknown';
  constructor(digest: string) {
    super(`No profile has the digest ${digest}. Say hello again to learn which there are.`);
  }
}

/** The lab-runners, the profiles that they are asked for, and the goldens that they have. */
export class RunnerRegistry {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * A runner has (re)started: whatever it had leased before is lost and goes back to the queue at once.
   * @param credential name of the credential that the runner used; a runner is known by it, not by what it says
   */
  async welcome(credential: string, hello: RunnerHello, correlationId: string): Promise<RunnerWelcome> {
    const runnerId = idOf('lab-runner', credential);
    return this.database.transaction(shared, async (tx) => {
      await tx.query(
        `insert into lab_runner (id, name, state, reason, drivers, last_seen_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (id) do update set name = excluded.name, state = excluded.state, reason = excluded.reason, drivers = excluded.drivers,
                                        last_seen_at = excluded.last_seen_at`,
        [
          runnerId,
          hello.name,
          hello.unavailable === undefined ? 'preparing' : 'unavailable',
          hello.unavailable ?? '',
          JSON.stringify(hello.drivers),
          this.clock(),
        ],
      );
      await tx.query(
        `update lab_test_run set state = 'queued', runner_id = null, lease_until = null
          where runner_id = $1 and state in ('leased', 'running') and id <> all ($2::uuid[])`,
        [runnerId, hello.running ?? []],
      );
      await publish(tx, { topic: 'lab.runner-changed', payload: { runnerId }, correlationId });
      const profiles = await tx.query<{ digest: string; definition: Profile }>(
        'select digest, definition from lab_profile where active and wanted_at is not null order by wanted_at, name',
      );
      const wanted = await tx.query<{ profile_digest: string; driver: string }>(
        'select profile_digest, driver from lab_wanted_golden',
      );
      const driversFor = (digest: string): string[] =>
        hello.drivers
          .filter(
            ({ name, onDemand }) => !onDemand || wanted.some((w) => w.profile_digest === digest && w.driver === name),
          )
          .map(({ name }) => name);
      return {
        runnerId,
        profiles: profiles.map(({ digest, definition }) => ({
          digest,
          profile: definition,
          drivers: driversFor(digest),
        })),
      };
    });
  }

  async findRunner(credential: string): Promise<string | null> {
    const id = idOf('lab-runner', credential);
    const [row] = await this.database.read<{ id: string }>(shared, 'select id from lab_runner where id = $1', [id]);
    return row?.id ?? null;
  }

  /** Is there a golden wanted that this runner has not been told of, so that it should say hello again? */
  async hasNewsFor(runnerId: string): Promise<boolean> {
    const rows = await this.database.read(
      shared,
      `select 1 from lab_profile p join lab_runner r on r.id = $1 cross join jsonb_array_elements(r.drivers) d
        where p.active and p.wanted_at is not null
          and (not coalesce((d.value ->> 'onDemand')::boolean, false) or exists (
                select 1 from lab_wanted_golden w where w.profile_digest = p.digest and w.driver = d.value ->> 'name'))
          and not exists (select 1 from lab_golden g
                           where g.profile_digest = p.digest and g.runner_id = $1 and g.driver = d.value ->> 'name') limit 1`,
      [runnerId],
    );
    return rows.length > 0;
  }

  /** @throws ProfileUnknown */
  async reportGolden(runnerId: string, report: GoldenReport, correlationId: string): Promise<void> {
    await this.database.transaction(shared, async (tx) => {
      const known = await tx.query('select 1 from lab_profile where digest = $1', [report.profileDigest]);
      if (known.length === 0) throw new ProfileUnknown(report.profileDigest);
      await tx.query(
        `insert into lab_golden (profile_digest, runner_id, digest, state, reason, components, services, reported_at, driver)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (profile_digest, runner_id, driver) do update set state = excluded.state, reason = excluded.reason,
           reported_at = excluded.reported_at,
           -- What was built before is there until something else is.
           digest = case when excluded.state = 'building' then lab_golden.digest else excluded.digest end,
           components = case when excluded.state = 'building' then lab_golden.components else excluded.components end,
           services = case when excluded.state = 'building' then lab_golden.services else excluded.services end`,
        [
          report.profileDigest,
          runnerId,
          report.digest ?? null,
          report.state,
          report.reason ?? '',
          JSON.stringify(report.components),
          JSON.stringify(report.services),
          this.clock(),
          report.driver ?? 'sandbox',
        ],
      );
      await tx.query(
        `update lab_runner set last_seen_at = $2, state = case when state = 'unavailable' then state when exists
           (select 1 from lab_golden where runner_id = $1 and state = 'building') then 'preparing' else 'ready' end
          where id = $1`,
        [runnerId, this.clock()],
      );
      await publish(tx, {
        topic: 'lab.golden-changed',
        payload: { profileDigest: report.profileDigest },
        correlationId,
      });
    });
  }
}

/** Has the golden of a profile built by every runner that can; wanting it twice changes nothing. */
export async function wantProfile(tx: Tx, digest: string, now: Date): Promise<void> {
  await tx.query('update lab_profile set wanted_at = $2 where digest = $1 and wanted_at is null', [digest, now]);
}

/** Asks runners for the goldens of a driver that they build only on demand, of some profiles. */
export async function wantGoldens(tx: Tx, driver: string, profiles: readonly string[]): Promise<void> {
  await tx.query(
    `insert into lab_wanted_golden (profile_digest, driver) select digest, $1 from unnest($2::text[]) digest on conflict do nothing`,
    [driver, profiles],
  );
}

/**
 * Makes the declared profiles active beside those that operators added; those that are no longer declared stay for their old
 * verdicts, and those that were withdrawn stay withdrawn.
 */
export async function declareProfiles(
  tx: Tx,
  profiles: readonly { digest: string; profile: Profile }[],
): Promise<void> {
  for (const { digest, profile } of profiles) {
    await tx.query(
      `insert into lab_profile (digest, name, title, stream, definition) values ($1, $2, $3, $4, $5)
       on conflict (digest) do update set active = lab_profile.withdrawn_at is null, origin = 'built-in'`,
      [digest, profile.name, profile.title, profile.stream, JSON.stringify(profile)],
    );
  }
  await tx.query(
    "update lab_profile set active = false where active and origin = 'built-in' and digest <> all ($1::text[])",
    [profiles.map((p) => p.digest)],
  );
}
