import { adoptPolicy, registerPolicy } from '@vouch/approval';
import { registerOperator } from '@vouch/identity';
import { forTenants, idOf, sha256Hex, shared, type Tx } from '@vouch/platform';
import { fingerprint, organisation, TestApi, TestDevice } from './api.js';

const [north, south] = organisation;
const [one, two] = north?.tenants ?? [];
const [foreign] = south?.tenants ?? [];
if (!north || !south || !one || !two || !foreign) throw new Error('The organisation of the tests is not whole.');
export const msp = north;
export const otherMsp = south;
export const tenants = { one, two, foreign };

const id = (name: string): string => idOf('rest', name);
export const ids = {
  policy: id('policy'),
  cohort: id('cohort'),
  snapshot: id('snapshot'),
  patch: id('patch'),
  revision: id('revision'),
  run: id('run'),
  runner: id('runner'),
  verdict: id('verdict'),
  channel: id('channel'),
  approval: id('approval'),
  cost: id('cost'),
  statement: id('statement'),
};
export const artefact = { sha256: sha256Hex('web 2'), untested: sha256Hex('web-doc 2') };
const digest = sha256Hex('something');
const PROFILE = JSON.stringify({
  name: 'web',
  title: 'Web',
  stream: 'debian-12-amd64',
  components: [{ package: 'web' }],
  files: [],
  probes: [],
});
const rules = { minimumCoverage: 0.5, acceptReducedFidelity: false, delayMinutes: 0, rings: 2, soakSeconds: 0 };

/** An API whose tenant has one device with one patch that went the whole way. */
export class RestFixture {
  private constructor(
    readonly api: TestApi,
    readonly device: TestDevice,
  ) {}

  get secretsKey(): string {
    return this.api.secretsKey;
  }

  get deviceId(): string {
    return this.device.identity.deviceId;
  }

  static async start(settings: Parameters<typeof TestApi.start>[0] = {}): Promise<RestFixture> {
    const api = await TestApi.start(settings);
    const device = new TestDevice(api);
    await device.enrol(await api.enrolmentToken(tenants.one.id, msp.technician), 'shop');
    await device.send('PUT', '/device/v1/fingerprint', fingerprint([{ package: 'web', version: '1' }]));
    await api.database.platform.transaction(shared, (tx) => seed(tx, device.identity.deviceId));
    await api.database.app.transaction(forTenants(tenants.one.id), (tx) => seedOutcome(tx, device.identity.deviceId));
    return new RestFixture(api, device);
  }

  /** Headers of a person who signed in. */
  async person(email: string): Promise<Record<string, string>> {
    return { cookie: await this.api.signIn(email), 'x-vouch-csrf': '1' };
  }

  /** Headers of somebody who runs the installation. */
  async operator(): Promise<Record<string, string>> {
    const email = 'root@installation.example';
    await this.api.database.platform.transaction(shared, (tx) =>
      registerOperator(tx, { id: idOf(email), email, name: 'Root' }, new Date()),
    );
    return this.person(email);
  }

  /** A new API key. */
  async key(
    email: string,
    actions: readonly string[],
    more: Record<string, unknown> = {},
  ): Promise<{ id: string; key: string; headers: { authorization: string } }> {
    const body = { name: 'test', actions, expiresInDays: 30, ...more };
    const answer = await this.api.post('/api/v1/api-keys', body, await this.person(email));
    if (answer.status !== 201) throw new Error(await answer.text());
    const made = (await answer.json()) as { id: string; key: string };
    return { ...made, headers: { authorization: `Bearer ${made.key}` } };
  }

  /** Says that something happened, as a context would. */
  async publish(topic: string, payload: Record<string, unknown>): Promise<void> {
    await this.api.database.platform.transaction(shared, (tx) =>
      tx.query(`insert into platform_outbox (topic, payload, correlation_id) values ($1, $2, 'test')`, [
        topic,
        payload,
      ]),
    );
  }

  stop(): Promise<void> {
    return this.api.stop();
  }
}

async function seed(tx: Tx, deviceId: string): Promise<void> {
  const now = new Date();
  await registerPolicy(tx, { id: ids.policy, mspId: msp.id, name: 'policy', rules }, now);
  for (const tenant of [tenants.one, tenants.two]) await adoptPolicy(tx, tenant.id, ids.policy, now);
  const insert = inserter(tx);
  await insert('planning_cohort', { id: ids.cohort, key: 'key', stream: 'debian-12-amd64', roles: '[]', label: 'web' });
  await tx.query('update fleet_device set cohort_id = $1, stream = $3 where id = $2', [
    ids.cohort,
    deviceId,
    'debian-12-amd64',
  ]);
  await insert('catalog_source', {
    id: 'source',
    stream: 'debian-12-amd64',
    title: 'S',
    kind: 'debian',
    definition: '{}',
    state: 'ok',
  });
  await insert('catalog_snapshot', {
    id: ids.snapshot,
    source_id: 'source',
    index_sha256: digest,
    release_date: now,
    fetched_at: now,
    package_count: 1,
    signed_by: 'key',
  });
  await insert('catalog_patch', { id: ids.patch, source_id: 'source', external_id: 'web' });
  await insert('catalog_revision', {
    id: ids.revision,
    patch_id: ids.patch,
    version: '2',
    metadata_sha256: digest,
    artefacts_sha256: digest,
    first_snapshot: ids.snapshot,
    last_snapshot: ids.snapshot,
  });
  for (const [name, sha256] of [
    ['web', artefact.sha256],
    ['web-doc', artefact.untested],
  ])
    await insert('catalog_artefact', {
      revision_id: ids.revision,
      package: name,
      version: '2',
      architecture: 'amd64',
      file_name: `pool/${name}.deb`,
      size_bytes: 5,
      sha256,
      stanza: '',
    });
  await seedLab(insert, now);
  await insert('fleet_need', {
    tenant_id: tenants.one.id,
    revision_id: ids.revision,
    cohort_id: ids.cohort,
    devices: 1,
    first_at: now,
  });
  const coverage = JSON.stringify({ score: 0.9, notCovered: ['kernel'] });
  const of = { policy_id: ids.policy, cohort_id: ids.cohort };
  await insert('approval_channel', { id: ids.channel, ...of, ring: 0, version: 1 });
  await insert('approval_decision', {
    ...of,
    revision_id: ids.revision,
    outcome: 'approved',
    reason: 'It passed.',
    decided_at: now,
  });
  await insert('approval_approval', {
    id: ids.approval,
    channel_id: ids.channel,
    revision_id: ids.revision,
    verdict_id: ids.verdict,
    coverage,
    not_before: now,
    expires_at: new Date(now.getTime() + 86_400_000),
    channel_version: 1,
    approved_at: now,
  });
  await insert('rollout_ring', {
    ...of,
    revision_id: ids.revision,
    ring: 0,
    state: 'open',
    reason: 'First ring.',
    changed_at: now,
  });
  await seedMoney(insert, now);
}

const inserter =
  (tx: Tx) =>
  async (table: string, row: Record<string, unknown>): Promise<void> => {
    const columns = Object.keys(row);
    await tx.query(
      `insert into ${table} (${columns.join(', ')}) values (${columns.map((_, index) => `$${index + 1}`).join(', ')})`,
      Object.values(row),
    );
  };

async function seedOutcome(tx: Tx, deviceId: string): Promise<void> {
  await inserter(tx)('rollout_outcome', {
    tenant_id: tenants.one.id,
    device_id: deviceId,
    revision_id: ids.revision,
    channel_version: 1,
    result: 'installed',
    healthy: true,
    probes: '[]',
    detail: '',
    installed: '[]',
    reported_at: new Date(),
  });
}

type Insert = (table: string, row: Record<string, unknown>) => Promise<void>;

async function seedLab(insert: Insert, now: Date): Promise<void> {
  await insert('lab_profile', { digest, name: 'web', title: 'Web', stream: 'debian-12-amd64', definition: PROFILE });
  await insert('lab_runner', { id: ids.runner, name: 'lab-0', state: 'ready', drivers: '[]', last_seen_at: now });
  await insert('lab_test_run', {
    id: ids.run,
    revision_id: ids.revision,
    profile_digest: digest,
    golden_digest: digest,
    plan_digest: digest,
    plan: JSON.stringify({ name: 'plan', steps: ['baseline'] }),
    state: 'judged',
    attempt: 1,
    correlation_id: 'test',
    started_at: now,
    finished_at: now,
  });
  await insert('lab_test_run_artefact', {
    run_id: ids.run,
    package: 'web',
    version: '2',
    architecture: 'amd64',
    file_name: 'pool/web.deb',
    size_bytes: 5,
    sha256: artefact.sha256,
  });
  await insert('lab_verdict', {
    id: ids.verdict,
    run_id: ids.run,
    revision_id: ids.revision,
    golden_digest: digest,
    result: 'pass',
    sentence: 'It passed.',
    reasons: '[]',
    covered: '["web"]',
    not_covered: '["kernel"]',
    statement_sha256: digest,
    key_id: digest,
    envelope: JSON.stringify({
      payloadType: 'application/vnd.in-toto+json',
      payload: 'e30=',
      signatures: [{ keyid: 'k', sig: 'AA==' }],
    }),
    issued_at: now,
    expires_at: new Date(now.getTime() + 86_400_000),
  });
}

async function seedMoney(insert: Insert, now: Date): Promise<void> {
  await insert('billing_cost_entry', {
    id: ids.cost,
    run_id: ids.run,
    revision_id: ids.revision,
    lab_ms: 9000,
    amount_minor: 27,
    currency: 'EUR',
    rule: '{}',
    metered_at: now,
  });
  const tenant_id = tenants.one.id;
  await insert('billing_statement', {
    tenant_id,
    id: ids.statement,
    period: '2026-01',
    state: 'closed',
    total_minor: 27,
    currency: 'EUR',
    closed_at: now,
  });
  await insert('billing_share', {
    tenant_id,
    cost_entry_id: ids.cost,
    amount_minor: 27,
    currency: 'EUR',
    beneficiaries: 1,
    statement_id: ids.statement,
  });
}
