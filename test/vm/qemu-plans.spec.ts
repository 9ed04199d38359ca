import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { LabJob, PlanStep } from '@vouch/contracts';
import {
  DEBIAN_UPGRADE_AND_BACK,
  MACHINE_PLAN_LIMITS,
  removeOrphans,
  runPlan,
  verdict,
  type RunResult,
} from '@vouch/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Footprint } from '../lab/footprint.js';
import { buildPackage, jobFor, securityUpgrade, type PatchFile } from '../lab/lab-fixture.js';
import { traces } from '../lab/traces.js';
import { openVmLab, type VmLab } from './vm-fixture.js';

const UNTIL_KILLED = path.resolve(import.meta.dirname, '../lab/run-plan-until-killed.mjs');

describe('on a machine with a kernel of its own', () => {
  let lab: VmLab;
  let folder: string;
  beforeAll(async () => {
    lab = await openVmLab();
    folder = await mkdtemp(path.join(tmpdir(), 'vouch-vm-'));
  });
  afterAll(async () => {
    await lab?.host.close();
    await rm(folder, { recursive: true, force: true });
  });

  const run = (job: LabJob, patch: readonly PatchFile[]): Promise<RunResult> =>
    runPlan(
      lab.driver,
      {
        job,
        artefactFiles: new Map(patch.map(({ artefact, file }) => [artefact.sha256, file])),
        onProgress: () => undefined,
        signal: new AbortController().signal,
      },
      () => new Date(),
      MACHINE_PLAN_LIMITS,
    );

  it('a real update is taken back to the very files that the golden was made of', async () => {
    const patch = await securityUpgrade(lab.golden, 'nginx');
    expect(patch).not.toEqual([]);
    const artefacts = patch.map(({ artefact }) => artefact);
    const job = jobFor(lab.golden, artefacts);
    const { observations, evidence } = await run(job, patch);
    const judged = verdict(observations, { artefacts, goldenDigest: lab.golden.digest, plan: job.plan });
    expect(judged).toMatchObject({ result: 'pass', reasons: [], reversible: true });
    const bytes = evidence.find(({ name }) => name === 'changes.json')?.bytes ?? [];
    const changes = JSON.parse(Buffer.from(bytes).toString()) as Record<string, { packages: unknown[] }>;
    expect(changes['probe-after-apply']?.packages).toHaveLength(patch.length);
    expect(changes['probe-after-way-back']?.packages).toEqual([]);
  });

  it.each(DEBIAN_UPGRADE_AND_BACK.steps)('a runner that is killed in "%s" leaves nothing behind', async (step) => {
    const footprint = new Footprint(lab.host.directory);
    const patch = await buildPackage(folder, { package: 'postgresql', version: '9999' }, 'true');
    const job = await killedIn(step, patch);
    await removeOrphans(lab.host);
    expect(await traces(`run-${job.runId}`, lab.host.directory)).toEqual([]);
    expect(await footprint.left()).toEqual([]);
    expect(footprint.size).toBeGreaterThan(0);
  });

  it('after runners that were killed, the golden is restored as ever', async () => {
    const machine = await lab.driver.restore(lab.golden.digest, { name: 'after', bootMs: 60_000, storageMiB: 4096 });
    expect(machine.isRunning).toBe(true);
    await machine.discard();
  });

  async function killedIn(step: PlanStep, patch: PatchFile): Promise<LabJob> {
    const job = jobFor(lab.golden, [patch.artefact]);
    const orders = path.join(folder, `${step}.json`);
    await writeFile(orders, JSON.stringify({ kind: 'qemu', golden: lab.golden, job, file: patch.file, step }));
    const runner = spawn(process.execPath, [UNTIL_KILLED, lab.host.directory, orders], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await once(runner, 'close');
    expect(runner.signalCode, `the runner was to die in "${step}"`).toBe('SIGKILL');
    return job;
  }
});
