import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Artefact, LabJob, PlanStep, Profile } from '@vouch/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WrittenFiles } from '../domain/machine-diff.js';
import { DEBIAN_UPGRADE_AND_BACK } from '../domain/plan.js';
import { verdict, type Verdict } from '../domain/verdict.js';
import type { LabDriver, LabGolden, LabRun } from '../lab-driver.port.js';
import { RunAborted } from '../lab-driver.port.js';
import { MachineLost, type CommandResult, type LabMachine } from '../lab-machine.port.js';
import { ControlRuns } from './control-runs.js';
import { PLAN_LIMITS, type PlanLimits } from './plan-limits.js';
import { repeatFailedRun } from './repeat-failed-run.js';
import { runPlan, type RunResult } from './run-plan.js';

const BYTES = 'the vendor’s bytes';
const artefact: Artefact = {
  package: 'shop',
  version: '2',
  architecture: 'all',
  fileName: 'shop_2_all.deb',
  sizeBytes: BYTES.length,
  sha256: createHash('sha256').update(BYTES).digest('hex'),
};
const PROFILE: Profile = {
  name: 'shop',
  title: 'Shop',
  stream: 'debian-12',
  components: [{ package: 'shop' }],
  files: [],
  seed: [],
  probes: [],
};
const GOLDEN: LabGolden = {
  digest: 'a'.repeat(64),
  profileDigest: 'b'.repeat(64),
  profile: PROFILE,
  components: [],
  services: [],
};

const answer = (stdout = '', exitCode: number | null = 0): CommandResult => ({
  exitCode,
  stdout,
  stderr: '',
  durationMs: 1,
  timedOut: false,
});
/** As a program that never ends, in a machine that heeds neither time limits nor signals. */
const never = (): Promise<never> => new Promise(() => undefined);

/** What goes wrong, and in which step: asked before each thing that is done in a machine. */
type Mischief = (step: PlanStep | 'control', what: string, machine: FakeMachine) => Promise<unknown> | undefined;

/** A machine without a computer, with one package. */
class FakeMachine implements LabMachine {
  isRunning = true;
  discarded = false;
  readonly unmeasured = ['what this one machine cannot do'];
  private version = '1';

  constructor(private readonly mischief: (what: string, machine: FakeMachine) => Promise<unknown> | undefined) {}

  async exec(command: readonly string[] | string): Promise<CommandResult> {
    const text = (typeof command === 'string' ? command : command.join(' ')).replace(/^env \S+ (?=apt-get)/, '');
    await this.mischief(text, this);
    if (!this.isRunning) throw new MachineLost('fake', 'it has ended');
    if (text.startsWith('dpkg-query -W -f=')) return answer(`shop\t${this.version}\tall\tshop\t${this.version}\tii \n`);
    if (text.startsWith('sh -c sha256sum'))
      return answer(
        `${artefact.sha256}\n== package\nshop 2 all\n1\nis one\n== disk\nFilesystem\nfake 9 1 8 1% /\n== questions\n`,
      );
    if (text.startsWith('apt-get') && !text.includes('--simulate'))
      this.version = text.includes('--allow-downgrades') ? '1' : '2';
    if (text.startsWith('apt-get')) return answer();
    // It looks the same whenever it is looked at, but for its package.
    const looks = [...text.matchAll(/(LOOK_MARK-\S+ \d+)'\n\{\n(dpkg-query)?/g)].map(([, mark, packages]) =>
      packages === undefined ? mark : `${mark}\nshop\tii  ${this.version} all shop ${this.version}`,
    );
    if (looks.length > 0) return answer(`${looks.join('\n')}\n`);
    return answer(text.startsWith('dpkg-query') ? `ii  ${this.version}` : '');
  }

  async put(file: string): Promise<void> {
    await this.mischief(`put ${file}`, this);
    if (!this.isRunning) throw new MachineLost('fake', 'it has ended');
  }

  get = (): Promise<Uint8Array> => Promise.resolve(Buffer.alloc(0));
  written = (): Promise<WrittenFiles> => Promise.resolve(new Map());
  async reboot(): Promise<void> {
    await this.mischief('reboot', this);
  }
  async usage() {
    await this.mischief('usage', this);
    return { memoryBytes: 1, processorMs: 1, writtenBytes: 1 };
  }
  discard(): Promise<void> {
    this.discarded = true;
    this.isRunning = false;
    return Promise.resolve();
  }
}

describe('a machine that is lost, or that hangs', () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'vouch-lost-'));
    file = path.join(folder, 'shop.deb');
    await writeFile(file, BYTES);
  });
  afterAll(() => rm(folder, { recursive: true }));

  interface Outcome {
    readonly result: RunResult;
    readonly verdict: Verdict;
  }

  /** Runs a patch as the runner does, with a repetition and a control. */
  async function test(
    mischief: Mischief,
    limits: Partial<PlanLimits> = {},
    signal = new AbortController().signal,
  ): Promise<Outcome> {
    let step: PlanStep = 'restore';
    machines.length = 0;
    goldenIsGone = false;
    const driver: LabDriver = {
      name: 'fake',
      fidelity: 'full',
      capabilities: ['packages', 'services', 'reboot'],
      find: () => Promise.resolve(goldenIsGone ? null : GOLDEN),
      restore: (_digest, { name }) => {
        const machine = new FakeMachine((what, self) =>
          mischief(name.startsWith('control') ? 'control' : step, what, self),
        );
        machines.push(machine);
        return Promise.resolve(machine);
      },
      oldPackage: () => Promise.resolve(file),
    };
    const plan = { ...DEBIAN_UPGRADE_AND_BACK, watchSeconds: 0 };
    const job = { runId: 'run', attempt: 1, artefacts: [artefact], goldenDigest: GOLDEN.digest, plan };
    const clock = (): Date => new Date('2026-01-02T03:04:05Z');
    kept = await mkdtemp(path.join(folder, 'controls-'));
    const controls = new ControlRuns(kept, clock);
    const once = (run: LabRun): Promise<RunResult> => {
      const onProgress: LabRun['onProgress'] = (progress) => {
        step = progress.step;
      };
      return runPlan(driver, { ...run, onProgress }, clock, { ...PLAN_LIMITS, settleMs: 0, ...limits }, controls);
    };
    try {
      const result = await repeatFailedRun(once, {
        job: job as unknown as LabJob,
        artefactFiles: new Map([[artefact.sha256, file]]),
        onProgress: () => undefined,
        signal,
      });
      const request = { artefacts: [artefact], goldenDigest: GOLDEN.digest, plan };
      return { result, verdict: verdict(result.observations, request) };
    } finally {
      await controls.close();
      expect(machines.map(({ discarded }) => discarded)).toEqual(machines.map(() => true));
    }
  }
  const machines: FakeMachine[] = [];
  let goldenIsGone = false;
  let kept = '';
  const patched = (): number => machines.length - 1;

  const lose = (machine: FakeMachine): undefined => void (machine.isRunning = false);

  it('is a control only when its golden is still there at its end', async () => {
    await test(() => undefined);
    expect(await readdir(kept)).toHaveLength(1);
    await test((step) => {
      if (step === 'control') goldenIsGone = true;
      return undefined;
    });
    expect(await readdir(kept)).toEqual([]);
  });

  it('says what it can say nothing about', async () => {
    expect((await test(() => undefined)).verdict.notCovered).toContain('what this one machine cannot do');
  });

  it('is nobody’s trouble when nothing of it happens', async () => {
    const { verdict: judged } = await test(() => undefined);
    expect([judged.result, judged.reasons, judged.reversible]).toEqual(['pass', [], true]);
  });

  it.each<PlanStep>(['apply', 'probe-after-apply', 'reboot', 'probe-after-reboot'])(
    'fails a patch after which it is lost in "%s" again and again, and never without it',
    async (at) => {
      const { verdict: judged, result } = await test((step, what, machine) =>
        step === at && !/sha256sum|dpkg-deb|df|debconf|simulate|put/.test(what) ? lose(machine) : undefined,
      );
      expect(judged.result, judged.sentence).toBe('fail');
      expect(judged.sentence).toContain('left a machine that cannot be used any more');
      expect(result.observations.failure).toMatchObject({ code: 'machine-lost', blame: 'patch' });
      expect(result.observations.repeats).toHaveLength(1);
      expect(patched()).toBe(2);
    },
  );

  it('fails a patch after whose last check it is lost, before anything is taken back', async () => {
    const { verdict: judged } = await test((step, what, machine) => {
      if (step === 'probe-after-reboot' && what === 'usage') machine.isRunning = false;
      return undefined;
    });
    expect(judged.result, judged.sentence).toBe('fail');
    expect(judged.sentence).toContain('left a machine that cannot be used any more');
  });

  it('is flaky when it is lost on one machine of two', async () => {
    let lost = 0;
    const { verdict: judged } = await test((step, _what, machine) =>
      step === 'probe-after-apply' && lost++ === 0 ? lose(machine) : undefined,
    );
    expect([judged.result, judged.reasons.join()]).toEqual(['inconclusive', expect.stringContaining('flaky')]);
  });

  it('says nothing about the patch when it is lost without it too', async () => {
    const { verdict: judged } = await test((step, what, machine) =>
      step === 'probe-after-apply' || (step === 'control' && what === 'reboot') ? lose(machine) : undefined,
    );
    expect([judged.result, judged.reasons.join()]).toEqual(['inconclusive', expect.stringContaining('control-failed')]);
  });

  it.each<PlanStep>(['baseline', 'apply'])(
    'is the lab’s trouble when it is lost in "%s", before anything is installed',
    async (at) => {
      const { verdict: judged, result } = await test((step, what, machine) =>
        step === at && !what.startsWith('apt-get') ? lose(machine) : undefined,
      );
      expect(judged.result).toBe('inconclusive');
      expect(result.observations).toMatchObject({ failure: { blame: 'lab' } });
      expect(result.observations.repeats).toBeUndefined();
    },
  );

  it('cannot be taken back when it is lost on the way back, which is said beside the verdict', async () => {
    const { verdict: judged } = await test((_step, what, machine) =>
      what.includes('--allow-downgrades') ? lose(machine) : undefined,
    );
    expect([judged.result, judged.reversible]).toEqual(['pass', false]);
    expect(judged.cautions.join()).toContain('lost when the patch was taken back');
  });

  it('cannot be taken back when it is lost after the way back', async () => {
    const { verdict: judged } = await test((step, _what, machine) =>
      step === 'probe-after-way-back' ? lose(machine) : undefined,
    );
    expect([judged.result, judged.reversible]).toEqual(['pass', false]);
  });

  it.each<PlanStep>(['probe-after-apply', 'reboot', 'way-back', 'probe-after-way-back', 'collect'])(
    'does not outlive the time limit of its test when it hangs in "%s"',
    async (at) => {
      const { verdict: judged, result } = await test((step) => (step === at ? never() : undefined), { runMs: 300 });
      expect(judged.result, judged.sentence).toBe(at === 'collect' ? 'inconclusive' : 'fail');
      expect(result.observations.failure).toMatchObject({ code: 'time-limit', blame: 'patch', step: at });
      expect(judged.sentence).toContain('did not come to its end within 0.3 s once the patch was installed');
    },
  );

  it.each<PlanStep>(['restore', 'baseline', 'apply'])(
    'is the lab’s trouble when the time of the whole test is over in "%s": the installation has a limit of its own',
    async (at) => {
      const hangs: Mischief = (step) => (step === at || at === 'restore' ? never() : undefined);
      const { verdict: judged, result } = await test(hangs, { runMs: 300 });
      expect(judged.result).toBe('inconclusive');
      expect(result.observations.failure).toMatchObject({ code: 'time-limit', blame: 'lab' });
    },
  );

  it.each<PlanStep>(['baseline', 'apply', 'way-back', 'collect'])(
    'is discarded when its run is called off while it hangs in "%s"; there is no verdict',
    async (at) => {
      const calledOff = new AbortController();
      const running = test(
        (step) => {
          if (step !== at) return undefined;
          calledOff.abort();
          return never();
        },
        {},
        calledOff.signal,
      );
      await expect(running).rejects.toThrow(RunAborted);
    },
  );
});
