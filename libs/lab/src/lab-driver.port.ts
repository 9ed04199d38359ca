import type { Capability, Component, LabJob, PlanStep, Profile, StepProgress } from '@vouch/contracts';
import type { LabMachine } from './lab-machine.port.js';

/** The snapshot built from a profile by one driver, addressed by its content. */
export interface LabGolden {
  readonly digest: string;
  readonly profileDigest: string;
  readonly profile: Profile;
  readonly components: readonly Component[];
  /** Services that run after a boot, as systemd names them. */
  readonly services: readonly string[];
}

/** How a machine is to be restored. */
export interface RestoreOptions {
  /** Unique on its host: letters, digits, hyphens and dots. */
  readonly name: string;
  /** Until everything that the machine starts is started. */
  readonly bootMs: number;
  /** Size of what it may write. */
  readonly storageMiB: number;
}

export interface DriverDescription {
  readonly name: string;
  readonly fidelity: 'full' | 'reduced';
  /** What kinds of patch it can exercise. */
  readonly capabilities: readonly Capability[];
}

/** Something that can restore a golden to a running machine. What is done with the machine is the plan's business. */
export interface LabDriver extends DriverDescription {
  /** What its machines say nothing about although their kind would, in phrases. */
  readonly unmeasured?: readonly string[];

  /** The golden with this content address, if this lab has it. */
  find(goldenDigest: string): Promise<LabGolden | null>;

  /** @throws GoldenMissing, RestoreFailed, BootFailed; nothing is left then */
  restore(goldenDigest: string, options: RestoreOptions): Promise<LabMachine>;

  /** Path on this host of the very package file that a golden's component was installed from; null when it was not kept. */
  oldPackage?(goldenDigest: string, component: Component): Promise<string | null>;
}

/** A lab does not have the golden that it was asked to restore. */
export class GoldenMissing extends Error {
  readonly code = 'golden-missing';
  constructor(digest: string) {
    super(`This lab has not built the golden ${digest} that was asked for.`);
    this.name = 'GoldenMissing';
  }
}

/** A machine could not be put together from its golden. */
export class RestoreFailed extends Error {
  readonly code = 'restore-failed';
  constructor(machine: string, detail: string) {
    super(`The machine ${machine} could not be restored: ${detail}.`);
    this.name = 'RestoreFailed';
  }
}

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
  /** Hears what happens in the machine while it happens, for people who watch; absent when nobody can. */
  readonly onOutput?: (step: PlanStep, text: string) => void;
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
