import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { LabJob, PlanStep, Probe } from '@vouch/contracts';
import { DEBIAN_UPGRADE_AND_BACK, GoldenBuilder, LayerStore, removeOrphans, SandboxHost } from '@vouch/lab';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Footprint } from './footprint.js';
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

  let footprint: Footprint;
  beforeEach(() => {
    footprint = new Footprint(lab.host.directory);
  });
  afterEach(async () => {
    expect(await footprint.left()).toEqual([]);
  });

  it('a runner that is killed in any step leaves nothing behind, and the run is done again by the next one', async () => {
    const steps = DEBIAN_UPGRADE_AND_BACK.steps;
    const killed = await Promise.all(steps.map((step) => killedIn(step)));
    expect(killed.map(({ said }) => said)).toEqual(
      // All steps before were finished, and the one in which it was killed was not.
      steps.map((_step, n) => [
        ...steps.slice(0, n).flatMap((each) => [`${each} started`, `${each} finished`]),
        `${steps[n]} started`,
      ]),
    );
    await removeOrphans(lab.host);
    const left = await Promise.all(killed.map(({ job }) => traces(`run-${job.runId}`, lab.host.directory)));
    expect(Object.fromEntries(left.map((found, i) => [steps[i], found]))).toEqual(
      Object.fromEntries(steps.map((step) => [step, []])),
    );
    expect(footprint.size, 'processes, namespaces and control groups were there').toBeGreaterThan(steps.length);
    const again = { ...killed[steps.indexOf('apply')]?.job, attempt: 2 } as LabJob;
    expect((await lab.test([patch], { job: again })).verdict.result).toBe('pass');
  });

  async function killedIn(step: PlanStep): Promise<{ readonly job: LabJob; readonly said: readonly string[] }> {
    const job = jobFor(lab.golden, [patch.artefact]);
    const orders = path.join(folder, `${step}.json`);
    await writeFile(orders, JSON.stringify({ golden: lab.golden, job, file: patch.file, step }));
    const runner = spawn(process.execPath, [SCRIPT, lab.host.directory, orders], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    runner.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(runner, 'close');
    expect(runner.signalCode, `the runner was to die in "${step}"`).toBe('SIGKILL');
    return { job, said: said.trim().split('\n') };
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
      try {
        const layers = new LayerStore(host);
        const build = layers.build('too-large', [], 'head -c 20M /dev/zero > /mnt/root/file', { timeoutMs: 30_000 });
        await expect(build).rejects.toThrow('No space left on device');
        expect(await layers.has('too-large')).toBe(false);
        expect((await readdir(path.join(small, 'layers'))).filter((name) => name.startsWith('.part-'))).toEqual([]);
      } finally {
        await host.close();
        await sh('umount -l "$1"', [small]);
      }
    },
  );

  it('a patch that fills the disk fails, and one that says that it needs a larger one is not for this lab', async () => {
    const small = { limits: { storageMiB: 200 } };
    const named = { package: 'postgresql', version: '9997' };
    const greedy = await buildPackage(folder, named, 'head -c 400M /dev/zero > /var/cache/big');
    const filled = await lab.test([greedy], small);
    expect(filled.verdict.result).toBe('fail');
    expect(filled.verdict.reasons.join()).toMatch(/installation failed|disk of the machine is full/);

    const large = await buildPackage(folder, { ...named, installedKiB: 400 * 1024 }, 'true');
    const { verdict, observations } = await lab.test([large], small);
    expect(observations.failure).toMatchObject({ code: 'cannot-exercise', blame: 'lab', step: 'apply' });
    expect(verdict.result).toBe('inconclusive');
    expect(verdict.sentence).toContain('takes 400 MiB');
  });
});
