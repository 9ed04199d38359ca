import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PlanStep, Probe } from '@vouch/contracts';
import { DEBIAN_UPGRADE_AND_BACK, GoldenBuilder, LayerStore, removeOrphans, SandboxHost } from '@vouch/lab';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { buildPackage, jobFor, NO_LAB, openLab, type Lab, type PatchFile } from './lab-fixture.js';
import { sh } from './shell.js';
import { traces } from './traces.js';

const SCRIPT = path.join(import.meta.dirname, 'run-plan-until-killed.mjs');

describe.skipIf(NO_LAB)('when something goes wrong in the lab', () => {
  let lab: Lab;
  let folder: string;
  let patch: PatchFile;
  beforeAll(async () => {
    lab = await openLab();
    folder = await mkdtemp(path.join(tmpdir(), 'vouch-faults-'));
    patch = await buildPackage(folder, { package: 'postgresql', version: '9999' }, 'true');
    // So that the control is there, and the runs below do not each make one.
    expect((await lab.test([patch])).verdict.result).toBe('pass');
  });
  afterAll(async () => {
    await lab?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('a runner that is killed at any step leaves nothing behind, and the run can be done again', async () => {
    const steps = DEBIAN_UPGRADE_AND_BACK.steps;
    const runIds = await Promise.all(steps.map((step) => killedAt(step)));
    await removeOrphans(lab.host);
    const left = await Promise.all(runIds.map((runId) => traces(`run-${runId}`, lab.host.directory)));
    expect(Object.fromEntries(left.map((found, i) => [steps[i], found]))).toEqual(
      Object.fromEntries(steps.map((step) => [step, []])),
    );
    expect((await lab.test([patch])).verdict.result).toBe('pass');
  });

  async function killedAt(step: PlanStep): Promise<string> {
    const job = jobFor(lab.golden, [patch.artefact]);
    const orders = path.join(folder, `${step}.json`);
    await writeFile(orders, JSON.stringify({ golden: lab.golden, job, file: patch.file, step }));
    const runner = spawn(process.execPath, [SCRIPT, lab.host.directory, orders], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await once(runner, 'exit');
    expect(runner.signalCode, `the runner was to die in "${step}"`).toBe('SIGKILL');
    return job.runId;
  }

  it('a check that hangs is the environment’s fault', async () => {
    const probe: Probe = { type: 'command', name: 'never answers', command: 'sleep 600' };
    const golden = { ...lab.golden, profile: { ...lab.profile, probes: [probe] } };
    const { verdict, observations } = await lab.test([patch], { golden });
    expect(verdict.result).toBe('inconclusive');
    expect(verdict.sentence).toContain('never answers');
    expect(observations.failure).toMatchObject({ code: 'baseline-red', blame: 'lab' });
  });

  it('a golden that is removed under a run is not the patch’s fault', async () => {
    const copy = `doomed-${process.pid}`;
    await new LayerStore(lab.host).build(copy, lab.golden.layers, `echo doomed > /mnt/root/doomed`, {
      timeoutMs: 60_000,
    });
    onTestFinished(() => lab.host.remove(`layers/${copy}`));
    const golden = { ...lab.golden, digest: 'd'.repeat(64), layers: [copy, ...lab.golden.layers] };
    const remove = await buildPackage(folder, { package: 'postgresql', version: '9998' }, 'sleep 4');
    const running = lab.test([remove], {
      golden,
      onProgress: ({ step }) => void (step === 'apply' && lab.host.remove(`layers/${copy}`)),
    });
    const { verdict, observations } = await running;
    expect(verdict.result).toBe('inconclusive');
    expect(observations.failure).toMatchObject({ code: 'golden-missing', blame: 'lab' });
  });

  it('a profile that cannot be built says why, and leaves no half of a golden', async () => {
    const profile = { ...lab.profile, name: 'broken', components: [{ package: 'vouch-no-such-package' }] };
    await expect(new GoldenBuilder(lab.host).build(profile)).rejects.toThrow('vouch-no-such-package');
    const layers = await readdir(path.join(lab.host.directory, 'layers'));
    expect(layers.filter((name) => name.startsWith('broken') && !name.endsWith('.lock'))).toEqual([]);
    expect(layers.filter((name) => name.startsWith('.part-'))).toEqual([]);
  });

  it.runIf(process.getuid?.() === 0)(
    'a full disk stops the making of a golden, which then does not exist',
    async () => {
      const small = path.join(folder, 'small');
      await mkdir(small);
      await sh('mount -t tmpfs -o size=8m,mode=0755 vouch-small "$1"', [small]);
      const host = await SandboxHost.open(small);
      onTestFinished(async () => {
        await host.close();
        await sh('umount -l "$1"', [small]);
      });
      const layers = new LayerStore(host);
      const build = layers.build('too-large', [], 'head -c 20M /dev/zero > /mnt/root/file', { timeoutMs: 30_000 });
      await expect(build).rejects.toThrow('No space left on device');
      expect(await layers.has('too-large')).toBe(false);
      expect((await readdir(path.join(small, 'layers'))).filter((name) => name.startsWith('.part-'))).toEqual([]);
    },
  );

  it('a machine that is too small for the patch does not make it a good one', async () => {
    const greedy = await buildPackage(
      folder,
      { package: 'postgresql', version: '9997' },
      'head -c 400M /dev/zero > /var/cache/big',
    );
    const { verdict } = await lab.test([greedy], { limits: { storageMiB: 200 } });
    expect(verdict.result).not.toBe('pass');
    expect(verdict.reasons.join()).not.toBe('');
  });
});
