import { setTimeout as sleep } from 'node:timers/promises';
import type { Artefact, Component, FileChange, PackageChange, PlanStep, ProbeResult } from '@vouch/contracts';
import { timeLimit } from '@vouch/platform';
import type { ControlRecord } from '../domain/control.js';
import type { Findings } from '../domain/derived-checks/index.js';
import type { MachineCheck } from '../domain/machine-check.js';
import { packageDiff } from '../domain/machine-diff.js';
import { GENERAL_CHECKS, versionChecks } from '../domain/probes.js';
import { checkOf } from '../domain/written-probes.js';
import type { LabDriver, LabGolden } from '../lab-driver.port.js';
import { BootFailed, isMachinesOwn, MachineLost, type LabMachine } from '../lab-machine.port.js';
import { applyPackages } from './apply-packages.js';
import { beforeAbort } from './before-abort.js';
import { whyPointless, whyWrongBytes, type Errand } from './errand.js';
import { FirstLooks } from './first-looks.js';
import { installedComponents } from './machine-facts.js';
import { MachineObserver } from './observe-machine.js';
import type { PlanLimits } from './plan-limits.js';
import { runChecks, summary } from './run-checks.js';
import type { StepResult } from './run-recorder.js';
import { failure, labFailure } from './step-failure.js';
import { takeBackPackages } from './take-back-packages.js';

/** One execution of a plan: a machine, and what was seen of it so far. */
export class PlanRun {
  tested: Artefact[] = [];
  packageChanges: PackageChange[] = [];
  fileChanges: FileChange[] = [];
  /** Whether the way back was really gone. */
  wentBack = false;
  /** What this machine says nothing about, in phrases. */
  unmeasured: readonly string[] = [];
  private machine: LabMachine | undefined;
  private restoring: Promise<LabMachine> | undefined;
  private checks: readonly MachineCheck[] = [];
  private healthBefore: readonly ProbeResult[] = [];
  private componentsBefore: readonly Component[] = [];
  /** From the first moment in which the patch's own scripts may run. */
  private installing = false;
  private installed = false;
  private takingBack = false;
  private timeIsOver = false;
  private restarted = false;
  private noted = false;
  private current: PlanStep = 'restore';
  private readonly observer: MachineObserver;
  private readonly signal: AbortSignal;

  /** @param control what changes by itself; null for a run that is a control */
  constructor(
    private readonly driver: LabDriver,
    private readonly golden: LabGolden | null,
    private readonly errand: Errand,
    private readonly limits: PlanLimits,
    signal: AbortSignal,
    control: (() => Promise<ControlRecord>) | null = null,
  ) {
    this.signal = AbortSignal.any([signal, timeLimit(limits.runMs)]);
    this.observer = new MachineObserver(errand.artefacts, control, FirstLooks.of(driver));
  }

  get findings(): ReadonlyMap<PlanStep, Findings> {
    return this.observer.findings;
  }

  get changes(): MachineObserver['changes'] {
    return this.observer.changes;
  }

  get ignored(): number {
    return this.observer.ignored;
  }

  /**
   * Does a step. Whatever the machine does or does not do, this comes back when the signal aborts; {@link discard} then
   * ends what still goes on in it.
   */
  async perform(step: PlanStep): Promise<StepResult> {
    if (this.signal.aborted) return this.cutOff(step);
    this.current = step;
    try {
      return await beforeAbort(this.workAndMeasure(step), this.signal);
    } catch (error) {
      if (this.signal.aborted) return this.cutOff(step);
      const why = this.installing ? await this.machine?.exhausted?.().catch(() => null) : null;
      if (typeof why === 'string') return failure('patch', 'machine-overwhelmed', `After the patch ${why}`);
      if (!this.installing || !isMachinesOwn(error)) throw error;
      return this.lost(step, error.message);
    }
  }

  async discard(): Promise<void> {
    const machine = this.machine ?? (await this.restoring?.catch(() => undefined));
    await machine?.discard();
    this.machine = undefined;
    this.restoring = undefined;
  }

  private async workAndMeasure(step: PlanStep): Promise<StepResult> {
    const result = await this.work(step);
    if (this.machine?.isRunning !== true) return result;
    return { ...result, ...(await this.seen(step, result)), resources: await this.machine.usage() };
  }

  /**
   * The time of the whole test is over. Until the patch was installed that is the lab's doing: the installation has a
   * limit of its own, which had not passed. Afterwards a healthy machine would have come to its end, as the control did.
   */
  private cutOff(step: PlanStep): StepResult {
    const before = this.timeIsOver;
    this.timeIsOver = true;
    if (before && step === 'collect') return { ok: true, detail: 'there was no time left to collect anything' };
    const limit = `The test did not come to its end within ${this.limits.runMs / 1000} s`;
    return this.installed
      ? failure('patch', 'time-limit', `${limit} once the patch was installed: it was at "${step}".`)
      : labFailure('time-limit', `${limit}: it was at "${step}".`);
  }

  /** The machine cannot be worked with any more since the patch was, or is being, installed. */
  private lost(step: PlanStep, why: string): StepResult {
    if (step === 'collect') return { ok: true, detail: `not everything could be collected: ${why}` };
    // What goes wrong from here on is said beside the verdict.
    if (this.takingBack) {
      this.wentBack = true;
      return { ok: false, detail: `The machine was lost when the patch was taken back: ${why}` };
    }
    return failure('patch', 'machine-lost', `The patch left a machine that cannot be used any more: ${why}`);
  }

  private work(step: PlanStep): Promise<StepResult> {
    switch (step) {
      case 'restore':
        return this.restore();
      case 'baseline':
        return this.baseline();
      case 'apply':
        return this.apply();
      case 'probe-after-apply':
        return this.probe(step, versionChecks(this.errand.artefacts));
      case 'reboot':
        return this.reboot();
      case 'probe-after-reboot':
        return this.watch().then(() => this.probe(step, versionChecks(this.errand.artefacts)));
      case 'way-back':
        return this.goBack();
      case 'probe-after-way-back':
        return this.probeOldState();
      case 'collect':
        return this.collect();
    }
  }

  private async restore(): Promise<StepResult> {
    if (this.golden === null)
      return labFailure('golden-missing', 'This lab has not built the golden that was asked for.');
    this.restoring = this.driver.restore(this.golden.digest, {
      name: this.errand.name,
      bootMs: this.limits.bootMs,
      storageMiB: this.limits.storageMiB,
    });
    this.machine = await this.restoring;
    this.unmeasured = this.machine.unmeasured ?? [];
    return { ok: true, detail: 'the golden is restored and runs' };
  }

  /** Looks at the machine as it was before the patch, and learns from it what has to be so afterwards. */
  private async baseline(): Promise<StepResult> {
    const machine = this.required();
    this.checks = [...(this.golden?.profile.probes ?? []).map(checkOf), ...GENERAL_CHECKS];
    this.healthBefore = await this.ask(this.checks);
    const found = summary(this.healthBefore);
    await this.observer.remember(machine, this.golden?.digest ?? '');
    this.componentsBefore = this.observer.packagesBefore;
    const cannot = whyPointless(this.errand.artefacts, this.componentsBefore);
    if (cannot !== null) return labFailure('cannot-exercise', cannot);
    if (found.ok) return found;
    const message = `The machine is not healthy before the patch: ${found.detail}`;
    return { ...found, failure: { blame: 'lab', code: 'baseline-red', message } };
  }

  private async apply(): Promise<StepResult> {
    const { artefacts, files } = this.errand;
    if (artefacts.length === 0) return { ok: true, detail: 'nothing is installed in a control run' };
    this.observer.latest = undefined;
    const wrong = await whyWrongBytes(this.errand);
    if (wrong !== null) return labFailure('artefact-digest-mismatch', wrong);
    const onBegin = (): void => {
      this.installing = true;
      this.tested = [...artefacts];
    };
    const options = { timeoutMs: this.limits.applyMs, signal: this.signal, onOutput: this.say };
    const result = await applyPackages(this.required(), artefacts, files, { ...options, onBegin });
    this.installed = true;
    if (result.failure?.code !== 'artefact-digest-mismatch') this.tested = [...artefacts];
    return result;
  }

  private async probe(step: PlanStep, more: readonly MachineCheck[]): Promise<StepResult> {
    const asked = await this.ask([...this.checks, ...more]);
    const { settleMs } = this.limits;
    const seen = await this.observer.compare(this.required(), step, this.restarted, settleMs, this.signal);
    return summary([...asked, ...seen]);
  }

  private async reboot(): Promise<StepResult> {
    this.observer.latest = undefined;
    try {
      await this.required().reboot(this.limits.bootMs);
      this.restarted = true;
      return { ok: true, detail: 'the machine came back' };
    } catch (error) {
      if (!(error instanceof BootFailed)) throw error;
      const failed = failure('patch', 'boot-failed', error.message);
      return error.screen === undefined ? failed : { ...failed, screen: error.screen };
    }
  }

  /** A picture of what the machine shows after it has started, and when a step has failed; nothing of one without a screen. */
  private async seen(step: PlanStep, { ok }: StepResult): Promise<Pick<StepResult, 'screen'>> {
    if (ok && step !== 'restore' && step !== 'reboot') return {};
    const screen = await this.machine?.screenshot?.().catch(() => undefined);
    return screen === undefined ? {} : { screen };
  }

  /** Some harm needs a moment. */
  private async watch(): Promise<void> {
    await sleep((this.errand.plan.watchSeconds ?? 0) * 1000, undefined, { signal: this.signal });
  }

  private async goBack(): Promise<StepResult> {
    if (this.errand.artefacts.length === 0) return { ok: true, detail: 'there is nothing to take back' };
    await this.noteChanges();
    if (!this.required().isRunning) throw new MachineLost(this.errand.name, 'it ended before anything was taken back');
    const { golden, driver } = this;
    const kept = (component: Component): Promise<string | null> =>
      driver.oldPackage?.(golden?.digest ?? '', component) ?? Promise.resolve(null);
    const options = { timeoutMs: this.limits.applyMs, signal: this.signal, onOutput: this.say };
    this.takingBack = true;
    const result = await takeBackPackages(this.required(), this.packageChanges, this.componentsBefore, kept, options);
    this.wentBack = result.tried;
    return result;
  }

  private async probeOldState(): Promise<StepResult> {
    if (this.errand.artefacts.length > 0 && !this.wentBack)
      return { ok: true, detail: 'not tested, since the way back was not gone' };
    if (this.machine?.isRunning === false) return { ok: false, detail: 'there is no machine any more' };
    const old = this.packageChanges.flatMap(({ package: name, from }) =>
      from === null ? [] : [{ package: name, version: from }],
    );
    return this.probe('probe-after-way-back', versionChecks(old, 'old'));
  }

  private async collect(): Promise<StepResult> {
    if (this.machine === undefined) return { ok: false, detail: 'there is no machine to collect from' };
    await this.noteChanges();
    const log = this.machine.isRunning ? (await this.machine.exec(JOURNAL, { timeoutMs: 30_000 })).stdout : '';
    return {
      ok: true,
      detail: `${this.packageChanges.length} packages and ${this.fileChanges.length} files changed`,
      log,
    };
  }

  /** What the patch changed, before anything of it is taken back. */
  private async noteChanges(): Promise<void> {
    if (this.noted || this.machine === undefined || this.componentsBefore.length === 0) return;
    this.noted = true;
    const { latest } = this.observer;
    if (latest !== undefined) [this.fileChanges, this.packageChanges] = [latest.files, latest.packages];
    else await this.lookForChanges(this.machine);
  }

  private async lookForChanges(machine: LabMachine): Promise<void> {
    this.fileChanges = await this.observer.filesChanged(machine);
    if (machine.isRunning) this.packageChanges = packageDiff(this.componentsBefore, await installedComponents(machine));
  }

  private ask(checks: readonly MachineCheck[]): ReturnType<typeof runChecks> {
    const { signal, say } = this;
    return runChecks(this.required(), checks, { settleMs: this.limits.settleMs, signal, say }, this.healthBefore);
  }

  private readonly say = (text: string): void => this.errand.onOutput?.(this.current, text);

  private required(): LabMachine {
    if (this.machine === undefined)
      throw new Error('The plan uses the machine before it is restored: put restore first.');
    return this.machine;
  }
}

const JOURNAL = 'journalctl --no-pager --output=short-iso --lines=5000';
