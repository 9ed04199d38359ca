import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestPlan } from '@vouch/contracts';
import {
  GoldenBuilder,
  hostRelease,
  parseProfile,
  removeOrphans,
  runPlan,
  SandboxDriver,
  SandboxHost,
} from '@vouch/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PROFILES = path.join(ROOT, 'libs/lab/profiles');
const CACHE = path.join(ROOT, '.data/test-lab/sandbox');
/** Without a patch: what is red here would be red before every test. */
const NOTHING_BUT_LOOK: TestPlan = {
  name: 'profile-check',
  steps: ['restore', 'baseline', 'reboot', 'probe-after-reboot', 'collect'],
};

describe('a ready profile builds, and its machine is healthy before and after a restart', async () => {
  const files = (await readdir(PROFILES)).filter((name) => name.endsWith('.yaml'));
  let host: SandboxHost;
  beforeAll(async () => {
    await mkdir(CACHE, { recursive: true });
    host = await SandboxHost.open(CACHE);
    await removeOrphans(host);
  });
  afterAll(() => host.close());

  it.each(files)('%s', async (name) => {
    const file = path.join(PROFILES, name);
    const profile = parseProfile(await readFile(file, 'utf8'), name, (await hostRelease()).stream);
    const golden = await new GoldenBuilder(host).build(profile);
    const driver = new SandboxDriver(host, { find: async () => golden });
    const run = {
      job: {
        runId: randomUUID(),
        attempt: 1,
        leaseSeconds: 30,
        correlationId: 'profiles',
        patch: { revisionId: randomUUID(), source: 'none', name: 'none', version: '0' },
        artefacts: [],
        profileDigest: golden.profileDigest,
        goldenDigest: golden.digest,
        plan: NOTHING_BUT_LOOK,
      },
      artefactFiles: new Map(),
      onProgress: () => undefined,
      signal: new AbortController().signal,
    };
    const { observations } = await runPlan(driver, run, () => new Date());
    const red = observations.steps.flatMap((step) =>
      step.probes.filter((probe) => !probe.ok).map((probe) => `${step.step}: ${probe.name}: ${probe.detail}`),
    );
    expect(observations.failure).toBeNull();
    expect(red).toEqual([]);
    expect(observations.steps.map((step) => step.step)).toEqual(NOTHING_BUT_LOOK.steps);
    const asked = new Set(observations.steps.flatMap((step) => step.probes.map((probe) => probe.name)));
    expect(profile.probes.filter((probe) => !asked.has(probe.name))).toEqual([]);
  });
});
