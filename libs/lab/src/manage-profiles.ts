import type { Profile } from '@vouch/contracts';
import { audit, publish, shared, type Clock, type Database, type Tx } from '@vouch/platform';
import type { Asker } from './cancel-run.js';
import { parseProfile, profileDigest } from './domain/profile.js';

/** The name belongs to a profile that comes with the product. */
export class ProfileNameTaken extends Error {
  readonly code = 'name-taken';
  constructor(name: string) {
    super(`A profile that comes with Vouch is called ${name}. Give yours another name.`);
  }
}

/** A profile, with the goldens that lab hosts have of it. */
export interface KnownProfile {
  readonly digest: string;
  readonly name: string;
  readonly title: string;
  readonly stream: string;
  readonly origin: 'built-in' | 'added';
  readonly state: 'active' | 'replaced' | 'withdrawn';
  /** Whether its golden is to be built, since somebody asked or machines resemble it. */
  readonly wanted: boolean;
  readonly goldens: readonly { readonly driver: string; readonly state: string; readonly reason: string }[];
}

export interface WrittenProfile extends KnownProfile {
  readonly definition: Profile;
  /** As it was written; null for one that comes with the product. */
  readonly source: string | null;
}

/** Adds lab environments to those that come with the product, and withdraws them. A profile never changes: another text is another profile. */
export class ManageProfiles {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  async list(): Promise<KnownProfile[]> {
    const rows = await this.database.read<WrittenProfile>(
      shared,
      `${SELECT} order by p.name, p.created_at desc, p.digest`,
    );
    return rows.map(({ definition: _, source: __, ...known }) => known);
  }

  async read(digest: string): Promise<WrittenProfile | null> {
    const [found] = await this.database.read<WrittenProfile>(shared, `${SELECT} where p.digest = $1`, [digest]);
    return found ?? null;
  }

  /**
   * Adds a profile; one of the same name that was added before is replaced, and stays for the tests that name it. The same
   * profile again changes nothing, but brings back one that was withdrawn.
   * @param source YAML
   * @param wanted have its golden built now; otherwise when machines resemble it
   * @throws ProfileInvalid, ProfileNameTaken
   */
  add(source: string, wanted: boolean, asker: Asker): Promise<string> {
    const profile = parseProfile(source, 'that you sent');
    const digest = profileDigest(profile);
    return this.database.transaction(shared, async (tx) => {
      await tx.query(`select pg_advisory_xact_lock(hashtext('lab profiles'))`);
      const taken = await tx.query(
        `select 1 from lab_profile where name = $1 and origin = 'built-in' and digest <> $2 limit 1`,
        [profile.name, digest],
      );
      if (taken.length > 0) throw new ProfileNameTaken(profile.name);
      const replaced = await tx.query<{ digest: string }>(
        'update lab_profile set active = false where name = $1 and digest <> $2 and active returning digest',
        [profile.name, digest],
      );
      await tx.query(
        `insert into lab_profile (digest, name, title, stream, definition, origin, source) values ($1, $2, $3, $4, $5, 'added', $6)
         on conflict (digest) do update set active = true, withdrawn_at = null`,
        [digest, profile.name, profile.title, profile.stream, JSON.stringify(profile), source],
      );
      if (wanted)
        await tx.query('update lab_profile set wanted_at = coalesce(wanted_at, $2) where digest = $1', [
          digest,
          this.clock(),
        ]);
      const detail = { name: profile.name, replaces: replaced.map((row) => row.digest) };
      await this.note(tx, 'profile.add', digest, profile.title, asker, detail);
      return digest;
    });
  }

  /**
   * Nothing new is built from it or tested with it from now on. What was tested stays tested; machines that resembled it get
   * another environment, if one fits.
   * @returns false when no active profile has this digest
   */
  withdraw(digest: string, why: string, asker: Asker): Promise<boolean> {
    return this.database.transaction(shared, async (tx) => {
      const done = await tx.query<{ name: string }>(
        'update lab_profile set active = false, withdrawn_at = $2 where digest = $1 and active returning name',
        [digest, this.clock()],
      );
      if (done.length === 0) return false;
      await this.note(tx, 'profile.withdraw', digest, why, asker, { name: done[0]?.name });
      return true;
    });
  }

  private async note(tx: Tx, action: string, digest: string, why: string, asker: Asker, detail: object): Promise<void> {
    audit(tx, {
      tenantId: null,
      at: this.clock(),
      actor: asker.actor,
      action,
      subject: `profile:${digest}`,
      why,
      ...(asker.from === undefined ? {} : { from: asker.from }),
      detail: { ...detail },
    });
    const { correlationId } = asker;
    await publish(tx, { topic: 'lab.golden-changed', payload: { profileDigest: digest }, correlationId });
  }
}

const SELECT = `
  select p.digest, p.name, p.title, p.stream, p.origin, p.definition, p.source,
         case when p.active then 'active' when p.withdrawn_at is not null then 'withdrawn' else 'replaced' end as state,
         p.wanted_at is not null as wanted,
         (select coalesce(json_agg(json_build_object('driver', g.driver, 'state', g.state, 'reason', g.reason) order by g.driver), '[]')
            from lab_golden g where g.profile_digest = p.digest) as goldens
    from lab_profile p`;
