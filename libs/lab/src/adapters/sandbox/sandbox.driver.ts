import type { Capability } from '@vouch/contracts';
import type { Clock } from '@vouch/platform';
import { RunAborted, type LabDriver, type LabRun } from '../../lab-driver.port.js';
import type { Golden } from './golden-builder.js';
import { elapsed } from './run-command.js';
import { RunRecorder } from './run-recorder.js';
import { SandboxTest } from './sandbox-test.js';
import type { SandboxHost } from './sandbox-host.js';
import { SANDBOX_LIMITS, type SandboxLimits } from './sandbox-limits.js';

/** Runs tests in machines that share this host's kernel: services and packages for real, no kernel, boot or firmware. */
export class SandboxDriver implements LabDriver {
  /** Known before there is a sandbox, since a runner introduces itself with it. */
  static readonly description = {
    name: 'sandbox',
    fidelity: 'full',
    capabilities: ['packages', 'services', 'reboot'] as readonly Capability[],
  } as const;
  readonly name = SandboxDriver.description.name;
  readonly fidelity = SandboxDriver.description.fidelity;
  readonly capabilities = SandboxDriver.description.capabilities;

  constructor(
    private readonly host: SandboxHost,
    private readonly goldens: { find(digest: string): Promise<Golden | null> },
    private readonly clock: Clock,
    private readonly limits: SandboxLimits = SANDBOX_LIMITS,
  ) {}

  async run(run: LabRun): ReturnType<LabDriver['run']> {
    const begun = performance.now();
    const recorder = new RunRecorder(run, this.clock);
    const golden = await this.goldens.find(run.job.goldenDigest);
    const test = new SandboxTest(this.host, golden, run, this.limits);
    try {
      for (const step of run.job.plan.steps) {
        if (recorder.failure === null || step === 'collect') await recorder.step(step, () => test.perform(step));
        if (run.signal.aborted) throw new RunAborted(run.job.runId);
      }
    } finally {
      await test.discard();
    }
    recorder.keep('packages.json', 'application/json', JSON.stringify(test.packageChanges, null, 1));
    recorder.keep('files.json', 'application/json', JSON.stringify(test.fileChanges, null, 1));
    return {
      observations: {
        driver: this.name,
        fidelity: this.fidelity,
        capabilities: [...this.capabilities],
        goldenDigest: golden?.digest ?? run.job.goldenDigest,
        plan: run.job.plan,
        tested: test.tested,
        steps: recorder.steps,
        packageDiff: test.packageChanges,
        fileDiff: test.fileChanges,
        failure: recorder.failure,
        labMilliseconds: elapsed(begun),
      },
      evidence: recorder.evidence,
    };
  }
}
