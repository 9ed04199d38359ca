import type { Profile, RunnerHello } from '@vouch/contracts';
import { declareProfiles, profileDigest, RunnerRegistry } from '@vouch/lab';
import { ChooseEnvironmentsStage } from '@vouch/planning';
import { idOf, shared, systemClock } from '@vouch/platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from './database.js';

const profile = (name: string, ...packages: string[]): Profile => ({
  name,
  title: name,
  stream: 'debian-12-amd64',
  components: packages.map((one) => ({ package: one })),
  files: [],
  seed: [],
  probes: [],
});
const declared = [profile('web', 'nginx'), profile('files', 'samba', 'smbclient'), profile('java', 'tomcat10')].map(
  (one) => ({ digest: profileDigest(one), profile: one }),
);
const nameOf = (digest: string): string | undefined => declared.find((one) => one.digest === digest)?.profile.name;

describe('the environments that are built', () => {
  let database: TestDatabase;
  let stage: ChooseEnvironmentsStage;
  let registry: RunnerRegistry;
  const cohort = idOf('cohort');
  const revision = idOf('revision');
  const asked = async (): Promise<(string | undefined)[]> => {
    const hello: RunnerHello = {
      name: 'lab',
      drivers: [{ name: 'sandbox', fidelity: 'full', capabilities: ['packages', 'services', 'reboot'] }],
    };
    return (await registry.welcome('lab', hello, 'test')).profiles.map((one) => nameOf(one.digest));
  };
  const set = (sql: string, ...values: unknown[]): Promise<unknown> =>
    database.platform.transaction(shared, (tx) => tx.query(sql, values));
  const settle = (name: string, state: 'ready' | 'failed'): Promise<unknown> =>
    set(
      `insert into lab_golden (profile_digest, runner_id, digest, state, reported_at) select $1, id, $1, $2, now() from lab_runner`,
      declared.find((one) => one.profile.name === name)?.digest,
      state,
    );
  const decide = async (): Promise<void> => {
    for (const key of await stage.pending()) await stage.process(key);
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    stage = new ChooseEnvironmentsStage(database.platform, systemClock);
    registry = new RunnerRegistry(database.app, systemClock);
    await database.platform.transaction(shared, (tx) => declareProfiles(tx, declared));
    const components = ['nginx', 'samba', 'smbclient', 'libc6'].map((one) => ({ package: one, version: '1' }));
    await set(
      `insert into planning_cohort (id, key, stream, roles, label, components) values ($1, 'k', 's', '[]', 'l', $2)`,
      cohort,
      JSON.stringify(components),
    );
  });
  afterAll(() => database.drop());

  it('are none while nobody waits', async () => {
    await decide();
    expect(await asked()).toEqual([]);
  });

  it('are the one that fits the waiting machines best, chosen once', async () => {
    await set(
      `insert into planning_demand (revision_id, cohort_id, packages, devices, first_at) values ($1, $2, '["nginx"]', 1, now())`,
      revision,
      cohort,
    );
    await decide();
    await decide();
    expect(await asked()).toEqual(['files']);
  });

  it('are another when the first leaves something untested, and not before it is built', async () => {
    await set(`update planning_demand set untestable = 'no nginx there'`);
    await decide();
    expect(await asked()).toEqual(['files']);
    await settle('files', 'ready');
    await decide();
    expect(await asked()).toEqual(['files', 'web']);
  });

  it('are never those that no machine resembles, whatever stays untested', async () => {
    await settle('web', 'failed');
    await decide();
    await decide();
    expect(await asked()).toEqual(['files', 'web']);
  });

  it('tell a runner that something new is wanted', async () => {
    const runner = await registry.findRunner('lab');
    expect(await registry.hasNewsFor(runner ?? '')).toBe(false);
    await set(`update lab_profile set wanted_at = now() where name = 'java'`);
    expect(await registry.hasNewsFor(runner ?? '')).toBe(true);
  });
});
