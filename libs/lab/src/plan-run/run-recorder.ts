import { createHash } from 'node:crypto';
import type { PlanStep, ProbeResult, RunFailure, StepObservation, StepResources } from '@vouch/contracts';
import type { Clock } from '@vouch/platform';
import { StepLog } from '../domain/step-log.js';
import type { EvidenceFile, LabRun } from '../lab-driver.port.js';
import { ControlFailed } from './control-runs.js';

/** What a step found out. */
export interface StepResult {
  readonly ok: boolean;
  readonly detail: string;
  readonly exitCode?: number | null;
  readonly probes?: readonly ProbeResult[];
  /** Everything that the step printed, when that is more than was heard meanwhile; becomes evidence. */
  readonly log?: string;
  readonly resources?: StepResources;
  /** What an installation asked and nobody answered. */
  readonly questions?: readonly string[];
  /** PNG of the machine's screen; becomes evidence. */
  readonly screen?: Uint8Array;
  /** Ends the run. */
  readonly failure?: Omit<RunFailure, 'step'>;
}

/** Writes down what each step saw, tells it to whoever watches, and keeps the evidence. */
export class RunRecorder {
  readonly steps: StepObservation[] = [];
  readonly evidence: EvidenceFile[] = [];
  failure: RunFailure | null = null;
  private heard = new StepLog();

  constructor(
    private readonly run: LabRun,
    private readonly clock: Clock,
  ) {}

  /** Runs a step. What it throws is the laboratory's failure, not the patch's. */
  async step(step: PlanStep, work: () => Promise<StepResult>): Promise<void> {
    const startedAt = this.clock().toISOString();
    const begun = performance.now();
    this.heard = new StepLog();
    const { attempt } = this.run.job;
    this.run.onProgress({ attempt, step, state: 'started' });
    const result = await work().catch(labFailure);
    const detail = result.detail.slice(0, 4000);
    this.hear(step, `${detail}\n`);
    const log = this.keep(`${step}.log`, 'text/plain; charset=utf-8', result.log ?? this.heard.text);
    if (result.screen !== undefined) this.keep(`${step}.png`, 'image/png', result.screen);
    const observation: StepObservation = {
      step,
      startedAt,
      durationMs: Math.round(performance.now() - begun),
      exitCode: result.exitCode ?? null,
      ok: result.ok,
      detail,
      probes: [...(result.probes ?? [])],
      logSha256: log.sha256,
      ...(result.resources === undefined ? {} : { resources: result.resources }),
      ...((result.questions ?? []).length === 0 ? {} : { questions: result.questions?.slice(0, 100) ?? [] }),
    };
    this.steps.push(observation);
    if (result.failure !== undefined) {
      this.failure ??= { ...result.failure, step, message: result.failure.message.slice(0, 4000) };
    }
    this.run.onProgress({ attempt, step, state: 'finished', observation });
  }

  /** Something happened in the machine: for whoever watches, and for the log of the step that goes on. */
  hear(step: PlanStep, text: string): void {
    this.heard.add(text);
    this.run.onOutput?.(step, text);
  }

  keep(name: string, mediaType: string, content: string | Uint8Array): EvidenceFile {
    const bytes = Buffer.from(content);
    const file = { name, mediaType, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
    this.evidence.push(file);
    return file;
  }
}

function labFailure(error: unknown): StepResult {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof ControlFailed ? error.code : 'lab-unavailable';
  return { ok: false, detail: message, failure: { blame: 'lab', code, message } };
}
