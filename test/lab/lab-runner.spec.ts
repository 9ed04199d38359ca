import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunReport, type LabJob, type StepProgress } from '@vouch/contracts';
import { verdict } from '@vouch/lab';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../infra/local/ports.mjs';
import { FakeApi } from './fake-api.js';
import { buildPackage, DATA_DIR, jobFor, NO_LAB, openLab, type Lab, type PatchFile } from './lab-fixture.js';
import { sh } from './shell.js';

const MAIN = path.resolve(import.meta.dirname, '../../apps/lab-runner/dist/main.js');
const TOKEN = 'a credential for this test, long enough';

describe.skipIf(NO_LAB)('the lab-runner', () => {
  let lab: Lab;
  let folder: string;
  let api: FakeApi;
  let runner: ChildProcess;
  let log: string;
  let port: number;

  beforeAll(async () => {
    lab = await openLab();
    folder = await mkdtemp(path.join(tmpdir(), 'vouch-runner-'));
  });
  afterAll(async () => {
    await lab?.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    port = await freePort();
    api = new FakeApi(TOKEN, [lab.profile]);
    log = '';
  });
  afterEach(async () => {
    if (runner.exitCode === null && runner.signalCode === null) {
      const ended = once(runner, 'exit');
      runner.kill('SIGKILL');
      await ended;
    }
    await api.close();
  });

  function start(url: string, prefix: readonly string[] = []): void {
    const { PATH, HOME } = process.env;
    const [program = '', ...args] = [...prefix, process.execPath, MAIN];
    runner = spawn(program, args, {
      env: {
        PATH,
        HOME,
        VOUCH_API_URL: url,
        VOUCH_LAB_TOKEN: TOKEN,
        VOUCH_DATA_DIR: DATA_DIR,
        VOUCH_LAB_PORT: String(port),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    runner.stdout?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  }

  async function ask(what: string): Promise<{ status: number; body: string }> {
    const answer = await fetch(`http://127.0.0.1:${port}/${what}`);
    return { status: answer.status, body: await answer.text() };
  }

  function enqueue(patch: readonly PatchFile[], leaseSeconds = 30): LabJob {
    const job = {
      ...jobFor(
        lab.golden,
        patch.map(({ artefact }) => artefact),
      ),
      leaseSeconds,
    };
    api.enqueue(job, patch);
    return job;
  }

  const upgrade = (postinst: string): Promise<PatchFile> =>
    buildPackage(folder, { package: 'postgresql', version: '9999' }, postinst);

  it('introduces itself, builds what is wanted, runs what it is given and proves what it saw', async () => {
    const job = enqueue([await upgrade('echo hello from the patch')]);
    start(await api.listen());
    await until(() => api.reports.length > 0);

    expect(api.hellos[0]).toMatchObject({ name: 'local' });
    expect(api.hellos[0]?.drivers[0]).toMatchObject({ name: 'sandbox', fidelity: 'full' });
    expect(api.goldens.map(({ state }) => state)).toEqual(['building', 'ready']);
    expect(api.goldens[1]).toMatchObject({ digest: lab.golden.digest, profileDigest: lab.golden.profileDigest });
    const report = RunReport.parse(api.reports[0]);
    expect(
      verdict(report.observations, { artefacts: job.artefacts, goldenDigest: job.goldenDigest, plan: job.plan }).result,
    ).toBe('pass');
    expect(named(api.progress)).toEqual(job.plan.steps.flatMap((step) => [`${step} started`, `${step} finished`]));
    for (const { sha256, sizeBytes } of report.evidence) {
      const bytes = api.evidence.get(sha256) ?? Buffer.alloc(0);
      expect([createHash('sha256').update(bytes).digest('hex'), bytes.length]).toEqual([sha256, sizeBytes]);
    }
    const applied = report.evidence.find(({ name }) => name === 'apply.log');
    expect(api.evidence.get(applied?.sha256 ?? '')?.toString()).toContain('hello from the patch');
    const watched = api.output.map(({ step, text }) => `${step}: ${text}`).join('');
    expect(watched).toContain('hello from the patch');
    expect(watched).toMatch(/^good: no service has failed/m);
    expect(log).toContain(`"correlationId":"${job.correlationId}"`);

    await until(() => log.includes('run reported'));
    expect(await ask('health/ready')).toMatchObject({ status: 200, body: expect.stringContaining('sandbox (full)') });
    const figures = (await ask('metrics')).body;
    for (const [figure, value] of [
      ['vouch_lab_runs_total{driver="sandbox",result="complete",process="lab-runner"}', '1'],
      ['vouch_lab_runs_in_progress{driver="sandbox",process="lab-runner"}', '0'],
      ['vouch_lab_golden_builds_total{driver="sandbox",outcome="ready",process="lab-runner"}', '1'],
      ['vouch_lab_driver_info{driver="sandbox",fidelity="full",process="lab-runner"}', '1'],
      ['vouch_lab_free_disk_bytes{process="lab-runner"}', '[1-9]'],
    ] as const)
      expect(figures).toMatch(new RegExp(`^${figure.replaceAll(/[{}]/g, '\\$&')} ${value}`, 'm'));
  });

  it.runIf(process.getuid?.() === 0)(
    'says that its lab is of reduced fidelity where it cannot have control groups',
    async () => {
      enqueue([await upgrade('true')]);
      start(await api.listen(), ['unshare', '--mount', 'sh', '-c', 'umount -R -l /sys/fs/cgroup; exec "$@"', 'sh']);
      await until(() => api.goldens.some(({ state }) => state === 'ready'));
      expect(api.hellos[0]?.drivers[0]).toMatchObject({ name: 'sandbox', fidelity: 'reduced' });
      expect(api.goldens.find(({ state }) => state === 'ready')?.digest).not.toBe(lab.golden.digest);
    },
  );

  it('waits for a server that is not there yet, and does not trust bytes that it cannot get', async () => {
    const apiPort = Number(new URL(await api.listen()).port);
    await api.close();
    start(`http://127.0.0.1:${apiPort}`);
    await until(() => log.includes('waiting for the API'));
    expect((await ask('health/live')).status).toBe(200);
    expect(await ask('health/ready')).toMatchObject({
      status: 503,
      body: expect.stringContaining('cannot be reached'),
    });
    api = new FakeApi(TOKEN, [lab.profile]);
    const good = await upgrade('true');
    enqueue(
      [{ ...good, artefact: { ...good.artefact, sha256: '1'.repeat(64) } }].map((file) => ({
        ...file,
        file: '/dev/null',
      })),
    );
    await api.listen(apiPort);
    await until(() => api.reports.length > 0);
    expect(api.reports[0]?.observations.failure).toMatchObject({ code: 'artefact-digest-mismatch', blame: 'lab' });
  });

  it('drops a run at once when its lease is lost, and takes the next', async () => {
    const lost = enqueue([await upgrade('sleep 3600')], 3);
    start(await api.listen());
    await until(() => named(api.progress).includes('apply started'));
    api.leaseLost = true;
    await until(() => log.includes('run called off'));
    expect(await traces(lost.runId)).toEqual([]);
    expect(api.reports).toEqual([]);

    api.leaseLost = false;
    enqueue([await upgrade('true')]);
    await until(() => api.reports.length > 0);
    expect(api.reports[0]?.observations.failure).toBeNull();
  });

  it('stops cleanly in the middle of a run', async () => {
    const job = enqueue([await upgrade('sleep 3600')]);
    start(await api.listen());
    await until(() => named(api.progress).includes('apply started'));
    runner.kill('SIGTERM');
    await once(runner, 'exit');
    expect(runner.exitCode).toBe(0);
    expect(await traces(job.runId)).toEqual([]);
    expect(api.reports).toEqual([]);
  });
});

const named = (progress: readonly StepProgress[]): string[] => progress.map(({ step, state }) => `${step} ${state}`);

async function until(holds: () => boolean, limitMs = 120_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('It did not happen in time.');
    await sleep(50);
  }
}

/** What is left of a run's machine on this host. */
async function traces(runId: string): Promise<string[]> {
  const groups = await sh('find /sys/fs/cgroup -type d -name "vouch-run-$1-*" 2>/dev/null || true', [runId]);
  const markers = await readdir(path.join(DATA_DIR, 'sandbox/markers'));
  return [...groups.split('\n'), ...markers].filter((name) => name.includes(runId));
}
