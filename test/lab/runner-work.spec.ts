import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Artefact, LabJob, Profile, StepObservation } from '@vouch/contracts';
import {
  DEBIAN_UPGRADE,
  profileDigest,
  SandboxDriver,
  unobserved,
  verdict,
  type LabRun,
  type RunResult,
} from '@vouch/lab';
import { createLogger, sha256Hex } from '@vouch/platform';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LabApi } from '../../apps/lab-runner/src/lab-api.js';
import { LabRunner, type Laboratory } from '../../apps/lab-runner/src/lab-runner.js';
import { RunnerMetrics } from '../../apps/lab-runner/src/runner-metrics.js';
import { FakeApi } from './fake-api.js';
import { sh } from './shell.js';

const TOKEN = 'a credential for this test, long enough';
const BYTES = 'x'.repeat(200_000);
const artefact: Artefact = {
  package: 'shop',
  version: '2',
  architecture: 'all',
  fileName: 'shop_2_all.deb',
  sizeBytes: BYTES.length,
  sha256: sha256Hex(BYTES),
};
const profile = (name: string): Profile => ({
  name,
  title: name,
  stream: 'debian-12',
  components: [{ package: 'shop' }],
  files: [],
  seed: [],
  probes: [],
});

/** What a runner does with its lab and its server; the lab is a stand-in, which makes no machines. */
describe('a lab-runner at work', () => {
  let api: FakeApi;
  let folder: string;
  let stop: AbortController;
  let work: Promise<void> | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'vouch-work-'));
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    await work;
    await api.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(profiles: readonly Profile[], lab: Partial<Laboratory>): Promise<void> {
    api = new FakeApi(TOKEN, profiles);
    const whole: Laboratory = {
      unavailable: async () => null,
      driver: SandboxDriver.description('systemd'),
      test: () => Promise.reject(new Error('not wanted in this test')),
      build: async ({ name }) => ({ digest: sha256Hex(name), components: [], services: [], buildMilliseconds: 1 }),
      ...lab,
    };
    const options = { name: 'local', concurrency: 1, retryMs: 50, tidyMs: 60_000, workDir: path.join(folder, 'work') };
    await mkdir(options.workDir, { recursive: true });
    const logger = createLogger('lab-runner', 'silent');
    const server = new LabApi(await api.listen(), TOKEN, stop.signal);
    work = new LabRunner(whole, [], server, options, logger, new RunnerMetrics(folder)).work(stop.signal);
  }

  async function enqueue(): Promise<LabJob> {
    const file = path.join(folder, 'artefact');
    await writeFile(file, BYTES);
    const job: LabJob = {
      runId: randomUUID(),
      attempt: 1,
      leaseSeconds: 30,
      correlationId: 'test',
      patch: { revisionId: randomUUID(), source: 'test', name: 'shop', version: '2' },
      artefacts: [artefact],
      profileDigest: profileDigest(profile('shop')),
      goldenDigest: sha256Hex('shop'),
      plan: DEBIAN_UPGRADE,
    };
    api.enqueue(job, [{ artefact, file }]);
    return job;
  }

  const judged = (job: LabJob) => {
    const { observations } = api.reports[0] ?? { observations: unobserved(job.goldenDigest, job.plan) };
    const { artefacts, goldenDigest, plan } = job;
    return verdict(observations, { artefacts, goldenDigest, plan });
  };

  it('reports a profile that does not build with the reason, goes on with the others, and tries again later', async () => {
    let tries = 0;
    await start([profile('broken'), profile('shop')], {
      build: ({ name }) => {
        if (name === 'broken' && ++tries <= 2) return Promise.reject(new Error(`no such package, try ${tries}`));
        return Promise.resolve({ digest: sha256Hex(name), components: [], services: [], buildMilliseconds: 1 });
      },
    });
    const told = () =>
      api.goldens.map(({ profileDigest: digest, state, reason }) => [
        digest === profileDigest(profile('broken')) ? 'broken' : 'shop',
        state,
        ...(reason === undefined ? [] : [reason]),
      ]);
    await until(() => told().filter(([name, state]) => name === 'broken' && state === 'ready').length > 0);
    const shop = [
      ['shop', 'building'],
      ['shop', 'ready'],
    ];
    expect(told().slice(0, 8)).toEqual([
      ['broken', 'building'],
      ['broken', 'failed', 'no such package, try 1'],
      ...shop,
      ['broken', 'building'],
      ['broken', 'failed', 'no such package, try 2'],
      ...shop,
    ]);
  });

  it('tells the server which goldens are gone', async () => {
    const gone = { profileDigest: sha256Hex('gone'), driver: 'sandbox' };
    await start([], { tidy: async () => [gone] });
    await until(() => api.goldens.length > 0);
    expect(api.goldens[0]).toMatchObject({ ...gone, state: 'failed', reason: expect.stringContaining('removed') });
  });

  it('does a test that fails once more, and what passes then is flaky', async () => {
    const seen: LabRun[] = [];
    await start([profile('shop')], {
      test: async (run) => {
        seen.push(run);
        return observed(run, seen.length === 1);
      },
    });
    const job = await enqueue();
    await until(() => api.reports.length > 0);
    expect(seen).toHaveLength(2);
    expect(api.reports[0]?.observations.repeats).toHaveLength(1);
    expect(api.reports[0]?.evidence.map(({ name }) => name)).toEqual(['apply.log', 'repeat-1/apply.log']);
    expect([judged(job).result, judged(job).reasons.join()]).toEqual([
      'inconclusive',
      expect.stringContaining('flaky'),
    ]);
  });

  it('does a test that passes once', async () => {
    let tests = 0;
    await start([profile('shop')], { test: async (run) => observed(run, ++tests < 1) });
    const job = await enqueue();
    await until(() => api.reports.length > 0);
    expect([tests, judged(job).result]).toEqual([1, 'pass']);
  });

  it.runIf(process.getuid?.() === 0)('reports that its host has no room for the files of a patch', async () => {
    await start([profile('shop')], {});
    const small = path.join(folder, 'work');
    await sh('mount -t tmpfs -o size=64k vouch-small "$1"', [small]);
    try {
      const job = await enqueue();
      await until(() => api.reports.length > 0);
      expect(api.reports).toHaveLength(1);
      expect(api.reports[0]?.observations.failure).toMatchObject({ blame: 'lab', code: 'lab-unavailable' });
      expect(judged(job).result).toBe('inconclusive');
      expect(judged(job).sentence).toMatch(/could not keep the files of the patch.*no space left/i);
      await vi.waitFor(async () => expect(await readdir(small)).toEqual([]));
    } finally {
      await sh('umount -l "$1"', [small]);
    }
  });
});

/** What a lab would have seen of a patch that fails to install, or of one that is good. */
function observed({ job }: LabRun, fails: boolean): RunResult {
  const probes = [{ name: 'shop is open', ok: true, detail: 'yes', durationMs: 1 }];
  const step = (name: (typeof job.plan.steps)[number]): StepObservation => ({
    step: name,
    startedAt: '2026-01-02T03:04:05.000Z',
    durationMs: 1,
    exitCode: null,
    ok: !(fails && name === 'apply'),
    detail: '',
    probes: /^(baseline|probe)/.test(name) ? probes : [],
  });
  const message = 'The installation failed.';
  const bytes = Buffer.from(fails ? 'bad' : 'good');
  return {
    observations: {
      ...unobserved(job.goldenDigest, job.plan),
      capabilities: ['packages', 'services', 'reboot'],
      tested: job.artefacts,
      steps: job.plan.steps.filter((name) => !fails || !/^(reboot|probe)/.test(name)).map(step),
      packageDiff: fails ? [] : [{ package: 'shop', from: '1', to: '2' }],
      failure: fails ? { step: 'apply', blame: 'patch', code: 'apply-failed', message } : null,
    },
    evidence: [{ name: 'apply.log', mediaType: 'text/plain', bytes, sha256: sha256Hex(bytes) }],
  };
}

async function until(holds: () => boolean): Promise<void> {
  for (let patience = 400; patience > 0 && !holds(); patience--) await sleep(25);
  if (!holds()) throw new Error('It did not happen in time.');
}
