import type { Capability, LabJob, RunObservations, StepProgress } from '@vouch/contracts';

/** A file that proves what a run saw. */
export interface EvidenceFile {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

export interface LabRun {
  readonly job: LabJob;
  /** Where the bytes of each artefact lie, by SHA-256. */
  readonly artefactFiles: ReadonlyMap<string, string>;
  readonly onProgress: (progress: StepProgress) => void;
  /** Aborting ends the run at once; its observations are not wanted any more. */
  readonly signal: AbortSignal;
}

/** The run was called off, e.g. because its lease was lost. Everything it made has been removed. */
export class RunAborted extends Error {
  readonly code = 'run-aborted';
  constructor(runId: string) {
    super(`Test run ${runId} was called off; its machine is discarded.`);
    this.name = 'RunAborted';
  }
}

/** Something that can restore a golden, work in it, restart it and throw it away. */
export interface LabDriver {
  readonly name: string;
  readonly fidelity: 'full' | 'reduced';
  /** What kinds of patch it can exercise. */
  readonly capabilities: readonly Capability[];

  /**
   * Runs a job's plan. Whatever goes wrong on the way is an observation, not an error.
   * @throws RunAborted when the signal aborts
   */
  run(run: LabRun): Promise<{ readonly observations: RunObservations; readonly evidence: readonly EvidenceFile[] }>;
}
