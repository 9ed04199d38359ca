import type { Offer } from '@vouch/catalog';
import type { CohortFact, DemandFact, Fingerprint } from '@vouch/contracts';
import { idOf, sha256Hex, shared, type Clock, type Database, type Stage, type Tx } from '@vouch/platform';
import { needsOf } from './domain/applicability.js';
import { cohortLabel, cohortTraits, streamOf } from './domain/cohort.js';

/** What the catalog offers: the newest revision of each of these source packages in a stream. */
export interface OfferSource {
  newest(stream: string, sources: readonly string[]): Promise<ReadonlyMap<string, Offer>>;
  compare(stream: string): (a: string, b: string) => number;
}

/** Where the anonymous facts go: the shared half, which must not ask for more. */
export interface DemandSink {
  record(cohorts: readonly CohortFact[], demand: readonly DemandFact[], correlationId: string): Promise<void>;
}

interface DeviceRow {
  tenant_id: string;
  msp_id: string;
  id: string;
  fingerprint: Fingerprint;
}

/** What one machine waits for. */
interface Need {
  readonly tenantId: string;
  /** A pseudonym of the tenant's MSP. */
  readonly origin: string;
  readonly cohortId: string;
  readonly revisionId: string;
  readonly packages: readonly string[];
}

/**
 * Finds which cohorts and tenants need which revisions, from the newest fingerprints and offers. Everything is
 * computed anew, so a lost or doubled request changes nothing.
 */
export class AssessDemandStage implements Stage {
  readonly name = 'demand';
  readonly concurrency = 1;
  readonly wakes = {
    'catalog.snapshot-stored': () => 'all',
    'fleet.fingerprint-changed': () => 'all',
    'fleet.device-revoked': () => 'all',
  } as const;

  constructor(
    private readonly database: Database,
    private readonly offers: OfferSource,
    private readonly sink: DemandSink,
    private readonly clock: Clock,
  ) {}

  /** Machines whose newest fingerprint has no cohort yet: nothing else needs a second look. */
  async pending(): Promise<string[]> {
    const waiting = await this.database.read(
      shared,
      'select 1 from fleet_device where fingerprint is not null and cohort_id is null and revoked_at is null limit 1',
    );
    return waiting.length > 0 ? ['all'] : [];
  }

  async process(_key: string, correlationId: string): Promise<void> {
    const devices = await this.database.read<DeviceRow>(
      shared,
      `select d.tenant_id, t.msp_id, d.id, d.fingerprint from fleet_device d join identity_tenant t on t.tenant_id = d.tenant_id
        where d.fingerprint is not null and d.revoked_at is null`,
    );
    const cohorts = new Map<string, CohortFact>();
    const needs: Need[] = [];
    const membership: { tenantId: string; id: string; cohortId: string }[] = [];
    const offersByStream = await this.offersFor(devices.map((device) => device.fingerprint));

    for (const { tenant_id: tenantId, msp_id: mspId, id, fingerprint } of devices) {
      const cohort = cohortOf(fingerprint);
      cohorts.set(cohort.id, cohort);
      membership.push({ tenantId, id, cohortId: cohort.id });
      const offers = offersByStream.get(cohort.stream) ?? new Map<string, Offer>();
      for (const need of needsOf(fingerprint.components, offers, this.offers.compare(cohort.stream))) {
        needs.push({ tenantId, origin: idOf('origin of demand', mspId), cohortId: cohort.id, ...need });
      }
    }

    await this.sink.record([...cohorts.values()], anonymous(needs), correlationId);
    await this.database.transaction(shared, async (tx) => {
      await tx.query(
        `update fleet_device d set cohort_id = m.cohort_id
           from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as m (tenant_id, id, cohort_id)
          where d.tenant_id = m.tenant_id and d.id = m.id and d.cohort_id is distinct from m.cohort_id`,
        [membership.map((m) => m.tenantId), membership.map((m) => m.id), membership.map((m) => m.cohortId)],
      );
      await this.recordNeeds(tx, needs);
    });
  }

  private async offersFor(fingerprints: readonly Fingerprint[]): Promise<Map<string, ReadonlyMap<string, Offer>>> {
    const sources = new Map<string, Set<string>>();
    for (const fingerprint of fingerprints) {
      const stream = streamOf(fingerprint);
      const names = sources.get(stream) ?? new Set<string>();
      for (const component of fingerprint.components) names.add(component.source);
      sources.set(stream, names);
    }
    const offers = new Map<string, ReadonlyMap<string, Offer>>();
    for (const [stream, names] of sources) offers.set(stream, await this.offers.newest(stream, [...names]));
    return offers;
  }

  private async recordNeeds(
    tx: Tx,
    needs: readonly { tenantId: string; cohortId: string; revisionId: string }[],
  ): Promise<void> {
    const counted = countBy(needs, (need) => [need.tenantId, need.revisionId, need.cohortId]);
    const now = this.clock();
    await tx.query(
      `insert into fleet_need (tenant_id, revision_id, cohort_id, devices, first_at)
       select n.tenant_id, n.revision_id, n.cohort_id, n.devices, $5
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[]) as n (tenant_id, revision_id, cohort_id, devices)
       on conflict (tenant_id, revision_id, cohort_id) do update
         set devices = excluded.devices, met_at = null where fleet_need.devices <> excluded.devices`,
      [
        counted.map((c) => c.words[0]),
        counted.map((c) => c.words[1]),
        counted.map((c) => c.words[2]),
        counted.map((c) => c.count),
        now,
      ],
    );
    await tx.query(
      `update fleet_need f set devices = 0, met_at = $4
        where f.devices > 0 and not exists (
          select 1 from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as n (tenant_id, revision_id, cohort_id)
           where n.tenant_id = f.tenant_id and n.revision_id = f.revision_id and n.cohort_id = f.cohort_id)`,
      [counted.map((c) => c.words[0]), counted.map((c) => c.words[1]), counted.map((c) => c.words[2]), now],
    );
  }
}

function cohortOf(fingerprint: Fingerprint): CohortFact {
  const traits = cohortTraits(fingerprint);
  const key = sha256Hex(JSON.stringify([traits.stream, traits.roles]));
  return { id: idOf('cohort', key), key, ...traits, label: cohortLabel(traits), components: fingerprint.components };
}

/** Drops whose the machines are: what is left may go to the shared half. */
function anonymous(needs: readonly Omit<Need, 'tenantId'>[]): DemandFact[] {
  const facts = new Map<
    string,
    Omit<DemandFact, 'packages' | 'origins'> & { packages: Set<string>; origins: Set<string> }
  >();
  for (const { cohortId, revisionId, packages, origin } of needs) {
    const key = `${revisionId} ${cohortId}`;
    const fact = facts.get(key) ?? {
      revisionId,
      cohortId,
      packages: new Set<string>(),
      devices: 0,
      origins: new Set<string>(),
    };
    facts.set(key, { ...fact, devices: fact.devices + 1 });
    for (const name of packages) fact.packages.add(name);
    fact.origins.add(origin);
  }
  return [...facts.values()].map((fact) => ({
    ...fact,
    packages: [...fact.packages].sort(),
    origins: [...fact.origins].sort(),
  }));
}

function countBy<T>(
  items: readonly T[],
  wordsOf: (item: T) => [string, string, string],
): { words: [string, string, string]; count: number }[] {
  const counts = new Map<string, { words: [string, string, string]; count: number }>();
  for (const item of items) {
    const words = wordsOf(item);
    const key = words.join(' ');
    const entry = counts.get(key) ?? { words, count: 0 };
    entry.count += 1;
    counts.set(key, entry);
  }
  return [...counts.values()];
}
