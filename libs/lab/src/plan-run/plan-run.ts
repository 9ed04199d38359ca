import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Artefact, Component, FileChange, PackageChange, PlanStep } from '@vouch/contracts';
import { fileDiff, packageDiff, type WrittenFiles } from '../domain/machine-diff.js';
import {
  checkOf,
  GENERAL_CHECKS,
  healthChecks,
  LISTENING_SCRIPT,
  readListening,
  versionChecks,
  type MachineCheck,
} from '../domain/probes.js';
import type { LabDriver, LabGolden, LabRun } from '../lab-driver.port.js';
import { BootFailed, mustExec, type LabMachine } from '../lab-machine.port.js';
import { applyPackages } from './apply-packages.js';
import { installedComponents, runningServices } from './machine-facts.js';
import type { PlanLimits } from './plan-limits.js';
import { runChecks, summary } from './run-checks.js';
import type { StepResult } from './run-recorder.js';

/** One execution of a plan: a machine, and what was seen of it so far. */
export class PlanRun {
  tested: Artefact[] = [];
  packageChanges: PackageChange[] = [];
  fileChanges: FileChange[] = [];
  private machine: LabMachine | undefined;
  private checks: readonly MachineCheck[] = [];
  private componentsBefore: readonly Component[] = [];
  private writtenBefore: WrittenFiles = new Map();
  private readonly signal: AbortSignal;

  constructor(
    private readonly driver: LabDriver,
    private readonly golden: LabGolden | null,
    private readonly run: LabRun,
    private readonly limits: PlanLimits,
  ) {
    this.signal = AbortSignal.any([run.signal, AbortSignal.timeout(limits.runMs)]);
  }

  async perform(step: PlanStep): Promise<StepResult> {
    if (this.signal.aborted) return labFailure('time-limit', `The test took more than ${this.limits.runMs / 1000} s.`);
    switch (step) {
      case 'restore':
        return this.restore();
      case 'baseline':
        return this.baseline();
      case 'apply':
        return this.apply();
      case 'probe-after-apply':
      case 'probe-after-reboot':
        return summary(await this.ask([...this.checks, ...versionChecks(this.run.job.artefacts)]));
      case 'reboot':
        return this.reboot();
      case 'collect':
        return this.collect();
    }
  }

  async discard(): Promise<void> {
    await this.machine?.discard();
    this.machine = undefined;
  }

  private async restore(): Promise<StepResult> {
    if (this.golden === null)
      return labFailure('golden-missing', 'This lab has not built the golden that was asked for.');
    this.machine = await this.driver.restore(this.golden.digest, {
      name: `run-${this.run.job.runId}-${this.run.job.attempt}`,
      bootMs: this.limits.bootMs,
      storageMiB: this.limits.storageMiB,
    });
    return { ok: true, detail: 'the golden is restored and runs' };
  }

  /** Looks at the machine as it was before the patch, and learns from it what has to be so afterwards. */
  private async baseline(): Promise<StepResult> {
    const machine = this.required();
    this.componentsBefore = await installedComponents(machine);
    const cannot = whyPointless(this.run.job.artefacts, this.componentsBefore);
    if (cannot !== null) return labFailure('cannot-exercise', cannot);
    const health = {
      services: await runningServices(machine),
      listening: readListening(await mustExec(machine, 'Listing the sockets', LISTENING_SCRIPT)),
    };
    const own = (this.golden?.profile.probes ?? []).map(checkOf);
    this.checks = [...own, ...healthChecks(health), ...GENERAL_CHECKS];
    const found = summary(await this.ask(this.checks));
    this.writtenBefore = await machine.written();
    if (found.ok) return found;
    const message = `The machine is not healthy before the patch: ${found.detail}`;
    return { ...found, failure: { blame: 'lab', code: 'baseline-red', message } };
  }

  private async apply(): Promise<StepResult> {
    const { artefacts } = this.run.job;
    for (const artefact of artefacts) {
      const file = this.run.artefactFiles.get(artefact.sha256);
      const actual = file === undefined ? 'nothing' : await digestOf(file);
      if (actual !== artefact.sha256)
        return labFailure('artefact-digest-mismatch', `${artefact.fileName}: got ${actual}, not ${artefact.sha256}.`);
    }
    const options = { timeoutMs: this.limits.applyMs, signal: this.signal };
    const result = await applyPackages(this.required(), artefacts, this.run.artefactFiles, options);
    if (result.failure?.code !== 'artefact-digest-mismatch') this.tested = [...artefacts];
    return result;
  }

  private async reboot(): Promise<StepResult> {
    try {
      await this.required().reboot(this.limits.bootMs);
      return { ok: true, detail: 'the machine came back' };
    } catch (error) {
      if (!(error instanceof BootFailed)) throw error;
      return {
        ok: false,
        detail: error.message,
        failure: { blame: 'patch', code: 'boot-failed', message: error.message },
      };
    }
  }

  private async collect(): Promise<StepResult> {
    if (this.machine === undefined) return { ok: false, detail: 'there is no machine to collect from' };
    if (this.componentsBefore.length > 0) {
      this.fileChanges = fileDiff(this.writtenBefore, await this.machine.written());
      if (this.machine.isRunning)
        this.packageChanges = packageDiff(this.componentsBefore, await installedComponents(this.machine));
    }
    const log = this.machine.isRunning ? (await this.machine.exec(JOURNAL, { timeoutMs: 30_000 })).stdout : '';
    return {
      ok: true,
      detail: `${this.packageChanges.length} packages and ${this.fileChanges.length} files changed`,
      log,
    };
  }

  private ask(checks: readonly MachineCheck[]): ReturnType<typeof runChecks> {
    return runChecks(this.required(), checks, this.limits.settleMs, this.signal);
  }

  private required(): LabMachine {
    if (this.machine === undefined)
      throw new Error('The plan uses the machine before it is restored: put restore first.');
    return this.machine;
  }
}

const JOURNAL = 'journalctl --no-pager --output=short-iso --lines=5000';

/** A golden without the package, or with this version already, has nothing to say about the patch. */
function whyPointless(artefacts: readonly Artefact[], installed: readonly Component[]): string | null {
  for (const artefact of artefacts) {
    const own = installed.find((component) => component.package === artefact.package);
    if (own === undefined) return `${artefact.package} is not installed in this environment.`;
    if (own.version === artefact.version) return `${artefact.package} ${own.version} is in this environment already.`;
  }
  return null;
}

function labFailure(code: NonNullable<StepResult['failure']>['code'], message: string): StepResult {
  return { ok: false, detail: message, failure: { blame: 'lab', code, message } };
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
