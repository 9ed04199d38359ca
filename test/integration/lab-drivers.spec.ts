import type { Capability, Component, Profile, RunnerHello } from '@vouch/contracts';
import { declareProfiles, DEBIAN_UPGRADE, planDigest, profileDigest, RunnerRegistry, RunQueue } from '@vouch/lab';
import { PlanRunsStage } from '@vouch/planning';
import { idOf, shared, systemClock } from '@vouch/platform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from './database.js';

const profile: Profile = {
  name: 'server',
  title: 'Server',
  stream: 'debian-12-amd64',
  components: [{ package: 'nginx' }],
  files: [],
  seed: [],
  probes: [],
};
const digest = profileDigest(profile);
const SANDBOX: Capability[] = ['packages', 'services', 'reboot'];
const sandbox = { name: 'sandbox', fidelity: 'full' as const, capabilities: SANDBOX };
const qemu = {
  name: 'qemu',
  fidelity: 'full' as const,
  capabilities: [...SANDBOX, 'kernel', 'boot'] as Capability[],
  onDemand: true,
};
const GOLDENS = { sandbox: 'a'.repeat(64), qemu: 'b'.repeat(64) };
const component = (name: string): Component => ({
  package: name,
  version: '1',
  architecture: 'amd64',
  source: name,
  sourceVersion: '1',
});

describe('a patch goes to a driver that can exercise it', () => {
  let database: TestDatabase;
  let registry: RunnerRegistry;
  let queue: RunQueue;
  let planner: PlanRunsStage;
  let runnerId: string;
  const cohort = idOf('cohort');
  const set = (sql: string, ...values: unknown[]): Promise<unknown[]> =>
    database.platform.transaction(shared, (tx) => tx.query(sql, values));

  beforeEach(async () => {
    database = await createTestDatabase();
    registry = new RunnerRegistry(database.app, systemClock);
    queue = new RunQueue(database.app, systemClock, 30);
    planner = new PlanRunsStage(
      database.platform,
      { fetch: async () => null },
      { plan: DEBIAN_UPGRADE, planDigest: planDigest(DEBIAN_UPGRADE), rolesOf: () => [], minimumCoverage: 0.1 },
      systemClock,
    );
    await database.platform.transaction(shared, (tx) => declareProfiles(tx, [{ digest, profile }]));
    await set('update lab_profile set wanted_at = now()');
    await set(
      `insert into catalog_source (id, stream, title, kind, definition, state) values ('s', 'debian-12-amd64', 'S', 'debian', '{}', 'ok')`,
    );
    await set(
      `insert into catalog_snapshot (id, source_id, index_sha256, release_date, fetched_at, package_count, signed_by) values ($1, 's', 'x', now(), now(), 1, 'k')`,
      idOf('snapshot'),
    );
    await set(
      `insert into planning_cohort (id, key, stream, roles, label, components) values ($1, 'k', 'debian-12-amd64', '[]', 'l', $2)`,
      cohort,
      JSON.stringify(['nginx', 'linux-image-amd64', 'shim-signed'].map(component)),
    );
    await set(
      'insert into planning_environment (cohort_id, profile_digest, fit, chosen_at) values ($1, $2, 1, now())',
      cohort,
      digest,
    );
  });
  afterEach(() => database.drop());

  const hello = async (more: Partial<RunnerHello> = {}): Promise<string[]> => {
    const welcome = await registry.welcome('lab', { name: 'lab', drivers: [sandbox, qemu], ...more }, 'test');
    runnerId = welcome.runnerId;
    return welcome.profiles[0]?.drivers ?? [];
  };
  const built = (driver: keyof typeof GOLDENS, ...packages: string[]): Promise<void> =>
    registry.reportGolden(
      runnerId,
      {
        profileDigest: digest,
        driver,
        state: 'ready',
        digest: GOLDENS[driver],
        components: packages.map(component),
        services: [],
        buildMilliseconds: 1,
      },
      'test',
    );

  /** A revision of some packages, with what they need, that machines wait for in the packages named. */
  async function demand(name: string, packages: Record<string, string>, waitedFor: string[]): Promise<string> {
    const revision = idOf('revision', name);
    await set(`insert into catalog_patch (id, source_id, external_id) values ($1, 's', $2)`, idOf('patch', name), name);
    await set(
      `insert into catalog_revision (id, patch_id, version, metadata_sha256, artefacts_sha256, first_snapshot, last_snapshot) values ($1, $2, '2', 'm', 'a', $3, $3)`,
      revision,
      idOf('patch', name),
      idOf('snapshot'),
    );
    for (const [one, depends] of Object.entries(packages)) {
      await set(
        `insert into catalog_artefact (revision_id, package, version, architecture, file_name, size_bytes, sha256, stanza) values ($1, $2, '2', 'amd64', $2, 1, $3, $4)`,
        revision,
        one,
        one.padEnd(64, '0'),
        `Package: ${one}\n${depends === '' ? '' : `Depends: ${depends}\n`}`,
      );
    }
    await set(
      'insert into planning_demand (revision_id, cohort_id, packages, devices, first_at) values ($1, $2, $3, 3, now())',
      revision,
      cohort,
      JSON.stringify(waitedFor),
    );
    return revision;
  }
  const kernel = (): Promise<string> =>
    demand('linux', { 'linux-image-amd64': 'linux-image-6.1.0-56-amd64 (= 2)', 'linux-image-6.1.0-56-amd64': '' }, [
      'linux-image-amd64',
    ]);
  const plan = async (revision: string): Promise<string> => {
    await planner.process(revision, 'test');
    const [row] = await set('select untestable, needs_driver from planning_demand where revision_id = $1', revision);
    return (row as { untestable: string }).untestable;
  };

  it('builds a machine with a kernel only when a kernel is to be tested, and tests it there once (I3)', async () => {
    expect(await hello()).toEqual(['sandbox']);
    await built('sandbox', 'nginx', 'linux-image-amd64');
    expect(await registry.hasNewsFor(runnerId)).toBe(false);

    const revision = await kernel();
    expect(await plan(revision)).toContain('"qemu", which is built when it is first wanted');
    expect(await queue.claim(runnerId), 'a sandbox never gets a kernel').toBeNull();
    expect(await registry.hasNewsFor(runnerId)).toBe(true);
    expect(await hello()).toEqual(['sandbox', 'qemu']);
    await built('qemu', 'nginx', 'linux-image-amd64');
    expect(await registry.hasNewsFor(runnerId)).toBe(false);

    expect(await planner.pending()).toEqual([revision]);
    expect(await plan(revision)).toBe('');
    await plan(revision);
    expect(await queue.claim(runnerId, ['sandbox'])).toBeNull();
    const job = await queue.claim(runnerId, ['qemu']);
    expect(job?.goldenDigest).toBe(GOLDENS.qemu);
    expect(job?.artefacts.map((artefact) => artefact.package)).toEqual([
      'linux-image-6.1.0-56-amd64',
      'linux-image-amd64',
    ]);
    expect(await queue.claim(runnerId)).toBeNull();
    expect(await planner.pending()).toEqual([]);
  });

  it('gives a patch that was found to change how a machine starts to a driver that can exercise that', async () => {
    await hello();
    await built('sandbox', 'nginx');
    const revision = await demand('nginx', { nginx: '' }, ['nginx']);
    await plan(revision);
    const job = await queue.claim(runnerId);
    expect(job?.goldenDigest).toBe(GOLDENS.sandbox);
    await set(`update lab_test_run set state = 'judged' where id = $1`, job?.runId);
    await set(
      `insert into lab_verdict (id, run_id, revision_id, golden_digest, result, sentence, reasons, covered, not_covered, statement_sha256, key_id,
                                envelope, issued_at, expires_at, lacking)
       values ($1, $1, $2, $3, 'inconclusive', '', '[]', '[]', '[]', '', '', '{}', now(), now() + interval '30 days', '["boot"]')`,
      job?.runId,
      revision,
      GOLDENS.sandbox,
    );
    expect(await planner.pending()).toEqual([revision]);
    expect(await plan(revision)).toContain('"qemu", which is built when it is first wanted');
    await hello();
    await built('qemu', 'nginx', 'linux-image-amd64');
    expect(await planner.pending()).toEqual([revision]);
    expect(await plan(revision)).toBe('');
    expect((await queue.claim(runnerId, ['qemu']))?.goldenDigest).toBe(GOLDENS.qemu);
    expect(await queue.claim(runnerId)).toBeNull();
    expect(await planner.pending()).toEqual([]);
  });

  it('gives an ordinary patch to the sandbox, also when there is a machine with a kernel', async () => {
    await hello();
    await built('qemu', 'nginx', 'linux-image-amd64');
    await built('sandbox', 'nginx');
    await plan(await demand('nginx', { nginx: '' }, ['nginx']));
    expect((await queue.claim(runnerId))?.goldenDigest).toBe(GOLDENS.sandbox);
    expect(await queue.claim(runnerId)).toBeNull();
  });

  it.each([
    ['no lab has a kernel', [sandbox], kernel, /the kernel and the start of the kernel, which no driver/],
    [
      'a boot loader changes',
      [sandbox, qemu],
      () => demand('shim', { 'shim-signed': '' }, ['shim-signed']),
      /the boot loader, which no driver.*docs\/lab-drivers\.md/,
    ],
  ] as const)('says in a sentence why it waits when %s (I8)', async (_case, drivers, arrange, sentence) => {
    await hello({ drivers: [...drivers] });
    await built('sandbox', 'nginx', 'linux-image-amd64', 'shim-signed');
    expect(await plan(await arrange())).toMatch(sentence);
    expect(await queue.claim(runnerId)).toBeNull();
    expect(await registry.hasNewsFor(runnerId)).toBe(false);
  });

  it('leaves a run with a runner that introduces itself again in the middle of it', async () => {
    await hello();
    await built('sandbox', 'nginx');
    await plan(await demand('nginx', { nginx: '' }, ['nginx']));
    const job = await queue.claim(runnerId);
    await hello({ running: [job?.runId ?? ''] });
    await queue.heartbeat(runnerId, job?.runId ?? '', 1);
    await hello();
    await expect(queue.heartbeat(runnerId, job?.runId ?? '', 1)).rejects.toMatchObject({ code: 'lease-lost' });
  });
});
