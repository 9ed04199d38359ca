import { z } from 'zod';
import { Artefact, Component, Sha256, Timestamp } from './digest.js';
import { labExamples as examples } from './examples.js';
import { PlanStep, Profile, TestPlan } from './profile.js';

/**
 * What kinds of patch a driver can exercise. `boot`: from the first instruction of a kernel, through its initrd;
 * `bootloader`: what comes before that; `firmware`: what comes before that, and what devices are loaded with.
 */
export const Capability = z.enum(['packages', 'services', 'reboot', 'kernel', 'boot', 'bootloader', 'firmware']);
export type Capability = z.infer<typeof Capability>;

/** A lab-runner introduces itself when it starts; runs that it had leased before go back to the queue. */
export const RunnerHello = z
  .strictObject({
    name: z.string().min(1).max(100),
    drivers: z.array(
      z.object({
        name: z.string(),
        fidelity: z.enum(['full', 'reduced']),
        capabilities: z.array(Capability),
        /** Its goldens are built when a patch first needs one, since that takes minutes. */
        onDemand: z.boolean().optional(),
        /** How many runs it has room for at once; absent: as many as it asks for. */
        capacity: z.int().positive().optional(),
      }),
    ),
    /** Runs that it is still at, and that stay leased: a runner may introduce itself again in the middle of one. */
    running: z.array(z.uuid()).optional(),
    /** Why this runner cannot run labs, in a sentence that says what is missing; absent when it can. */
    unavailable: z.string().max(1000).optional(),
  })
  .meta({ id: 'RunnerHello', examples: [examples.hello] });
export type RunnerHello = z.infer<typeof RunnerHello>;

/** Answer to a hello: the profiles whose goldens are wanted, each with the drivers that it is wanted of. */
export const RunnerWelcome = z
  .object({
    runnerId: z.string(),
    profiles: z.array(
      z.object({ digest: Sha256, profile: Profile, drivers: z.array(z.string()).default(['sandbox']) }),
    ),
  })
  .meta({ id: 'RunnerWelcome', examples: [examples.welcome] });
export type RunnerWelcome = z.infer<typeof RunnerWelcome>;

/** A golden that a runner has built, or why it could not. */
export const GoldenReport = z
  .strictObject({
    profileDigest: Sha256,
    /** `sandbox` when it is not said. */
    driver: z.string().optional(),
    state: z.enum(['building', 'ready', 'failed']),
    /** Content address: profile, base, and every installed component with its version. */
    digest: Sha256.optional(),
    components: z.array(Component).default([]),
    services: z.array(z.string()).default([]),
    buildMilliseconds: z.int().nonnegative().default(0),
    reason: z.string().max(4000).optional(),
  })
  .meta({ id: 'GoldenReport', examples: [examples.golden] });
export type GoldenReport = z.infer<typeof GoldenReport>;

/** A runner takes runs for some of its drivers only, e.g. because the others are busy; absent: for any. */
export const ClaimRequest = z
  .strictObject({ drivers: z.array(z.string()).optional() })
  .meta({ id: 'ClaimRequest', examples: [examples.claim] });
export type ClaimRequest = z.infer<typeof ClaimRequest>;

/** A test run, leased to one runner. */
export const LabJob = z
  .object({
    runId: z.uuid(),
    /** 1 for the first execution; more after a lost lease. */
    attempt: z.int().positive(),
    leaseSeconds: z.int().positive(),
    correlationId: z.string(),
    patch: z.object({ revisionId: z.uuid(), source: z.string(), name: z.string(), version: z.string() }),
    artefacts: z.array(Artefact).min(1),
    profileDigest: Sha256,
    goldenDigest: Sha256,
    plan: TestPlan,
  })
  .meta({ id: 'LabJob', examples: [examples.job] });
export type LabJob = z.infer<typeof LabJob>;

export const ProbeResult = z.object({
  name: z.string(),
  ok: z.boolean(),
  /** What was seen, in one line. */
  detail: z.string().max(2000),
  durationMs: z.int().nonnegative(),
});
export type ProbeResult = z.infer<typeof ProbeResult>;

/** What a machine took of its host at the end of a step; 0 for what the host does not count. */
export const StepResources = z.object({
  memoryBytes: z.int().nonnegative(),
  processorMs: z.int().nonnegative(),
  writtenBytes: z.int().nonnegative(),
});
export type StepResources = z.infer<typeof StepResources>;

/** What one step saw. `exitCode` is null when the step has no command of its own or was cut off. */
export const StepObservation = z.object({
  step: PlanStep,
  startedAt: Timestamp,
  durationMs: z.int().nonnegative(),
  exitCode: z.int().nullable(),
  ok: z.boolean(),
  detail: z.string().max(4000),
  probes: z.array(ProbeResult).default([]),
  /** Content address of the step's full log among the evidence. */
  logSha256: Sha256.optional(),
  resources: StepResources.optional(),
  /** What an installation asked for the first time and nobody answered. */
  questions: z.array(z.string().max(500)).max(100).optional(),
});
export type StepObservation = z.infer<typeof StepObservation>;

/** Sent while a run goes on, so that people can watch. A step without `durationMs` has just begun. */
export const StepProgress = z
  .strictObject({
    attempt: z.int().positive(),
    step: PlanStep,
    state: z.enum(['started', 'finished']),
    observation: StepObservation.optional(),
  })
  .meta({ id: 'StepProgress', examples: [examples.progress] });
export type StepProgress = z.infer<typeof StepProgress>;

/** How much of a run's output is sent at once, in characters. */
export const OUTPUT_AT_ONCE = 16_000;

/** What the machine of a run has printed since the last time, for people who watch. Nothing is concluded from it. */
export const RunOutput = z
  .strictObject({ attempt: z.int().positive(), step: PlanStep, text: z.string().min(1).max(OUTPUT_AT_ONCE) })
  .meta({ id: 'RunOutput', examples: [examples.output] });
export type RunOutput = z.infer<typeof RunOutput>;

export const PackageChange = z.object({ package: z.string(), from: z.string().nullable(), to: z.string().nullable() });
export type PackageChange = z.infer<typeof PackageChange>;
export const FileChange = z.object({
  path: z.string(),
  change: z.enum(['added-or-changed', 'removed']),
  kind: z.string(),
});
export type FileChange = z.infer<typeof FileChange>;

/** Why a run ended before its plan did, and whose fault that is. */
export const RunFailure = z.object({
  step: PlanStep,
  /** `lab`: the laboratory could not do its work, which says nothing about the patch. */
  blame: z.enum(['lab', 'patch']),
  code: z.enum([
    'lab-unavailable',
    'golden-missing',
    'artefact-digest-mismatch',
    'artefact-not-a-package',
    'baseline-red',
    'dependency-missing',
    'apply-failed',
    'boot-failed',
    'time-limit',
    'cannot-exercise',
    'machine-overwhelmed',
    'machine-lost',
    'control-failed',
  ]),
  message: z.string().max(4000),
});
export type RunFailure = z.infer<typeof RunFailure>;

/** The same plan without the patch: what changes by itself. */
export const ControlFacts = z.object({
  /** Content address of the control run's record among the evidence. */
  sha256: Sha256,
  /** Checks that were red without the patch too. */
  red: z.array(z.object({ step: PlanStep, name: z.string() })),
  /** How many things were seen after the patch that also change without it. */
  ignored: z.int().nonnegative(),
});
export type ControlFacts = z.infer<typeof ControlFacts>;

/** Renews a lease. */
export const LabHeartbeat = z
  .strictObject({ attempt: z.int().positive() })
  .meta({ id: 'LabHeartbeat', examples: [{ attempt: 1 }] });

/** Everything that a run saw: the only input of the verdict. */
export const RunObservations = z.object({
  driver: z.string(),
  fidelity: z.enum(['full', 'reduced']),
  capabilities: z.array(Capability),
  goldenDigest: Sha256,
  plan: TestPlan,
  /** The artefacts whose digests were checked before and again inside the lab. */
  tested: z.array(Artefact),
  steps: z.array(StepObservation),
  packageDiff: z.array(PackageChange),
  fileDiff: z.array(FileChange).max(20_000),
  failure: RunFailure.nullable(),
  /** Lab time that is charged: from restore to discard, in milliseconds. */
  labMilliseconds: z.int().nonnegative(),
  /** Absent when no control run was needed, since nothing changed that the patch could be blamed for. */
  control: ControlFacts.optional(),
  /** What this lab could not look at, in phrases. */
  unmeasured: z.array(z.string()).optional(),
  /** What the same run saw when it was done again, because it had failed. */
  repeats: z
    .array(
      z.object({
        steps: z.array(StepObservation),
        packageDiff: z.array(PackageChange),
        failure: RunFailure.nullable(),
      }),
    )
    .optional(),
});
export type RunObservations = z.infer<typeof RunObservations>;

/** Ends a run: what was seen, and the evidence files (already uploaded, by content address). */
export const RunReport = z
  .strictObject({
    attempt: z.int().positive(),
    observations: RunObservations,
    evidence: z.array(
      z.object({ name: z.string(), mediaType: z.string(), sizeBytes: z.int().nonnegative(), sha256: Sha256 }),
    ),
  })
  .meta({ id: 'RunReport', examples: [examples.report] });
export type RunReport = z.infer<typeof RunReport>;

/**
 * HTTP endpoints of the lab protocol (runner -> api), all with `Authorization: Bearer <credential>`:
 *
 * POST /lab/v1/hello              RunnerHello   -> RunnerWelcome
 * POST /lab/v1/goldens            GoldenReport  -> 204
 * POST /lab/v1/runs/claim         ClaimRequest  -> 200 LabJob | 204 nothing to do (the server holds the request up to 10 s)
 * POST /lab/v1/runs/:id/progress  StepProgress  -> 204 (renews the lease) | 409 lease lost
 * POST /lab/v1/runs/:id/output    RunOutput     -> 204 | 409 lease lost
 * POST /lab/v1/runs/:id/heartbeat {attempt}     -> 204 | 409 lease lost or cancelled: stop at once
 * GET  /lab/v1/artefacts/:sha256                -> bytes
 * PUT  /lab/v1/evidence/:sha256   bytes         -> 204 | 409 no run is leased to this runner
 * POST /lab/v1/runs/:id/report    RunReport     -> 204 | 409 lease lost
 */
export const LAB_PROTOCOL_VERSION = 'v1';
