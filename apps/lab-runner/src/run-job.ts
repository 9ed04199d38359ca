import fs from 'node:fs/promises';
import path from 'node:path';
import type { LabJob, StepProgress } from '@vouch/contracts';
import { repeatFailedRun, RunAborted, unobserved, type LabRun, type RunResult } from '@vouch/lab';
import type { Logger } from '@vouch/platform';
import { ApiRefused, type LabApi } from './lab-api.js';
import { OutputRelay } from './output-relay.js';
import { untilReachable } from './patience.js';
import { endOf, type RunEnd } from './runner-metrics.js';

/**
 * Takes one leased run to its report. The lease is renewed three times in its length; when the server says that it is
 * gone, the run stops, its machine is discarded, and nothing is reported.
 * @param test runs a plan in a machine
 * @returns how it ended
 */
export async function runJob(
  job: LabJob,
  test: (run: LabRun) => Promise<RunResult>,
  api: LabApi,
  workDir: string,
  logger: Logger,
  stopped: AbortSignal,
): Promise<RunEnd> {
  const called = new AbortController();
  const signal = AbortSignal.any([called.signal, stopped]);
  const giveUp = (error: unknown): void => {
    if (isLeaseLost(error)) called.abort();
    else logger.warn({ err: error instanceof Error ? error.message : error }, 'the server did not take a sign of life');
  };
  const heartbeat = setInterval(
    () => void api.heartbeat(job.runId, job.attempt).catch(giveUp),
    (job.leaseSeconds * 1000) / 3,
  );
  let folder: string | undefined;
  // Signs of progress are sent one after the other, so that they arrive in the order in which things happened.
  let sent: Promise<void> = Promise.resolve();
  const onProgress = (progress: StepProgress): void => {
    sent = sent.then(() => api.progress(job.runId, progress)).catch(giveUp);
  };
  const relay = new OutputRelay((step, text) => api.output(job.runId, { attempt: job.attempt, step, text }));
  const onOutput = relay.add.bind(relay);
  try {
    const testOnce = async (): Promise<RunResult> => {
      folder = await fs.mkdtemp(path.join(workDir, 'run-')).catch(cannotKeep);
      const artefactFiles = await fetchArtefacts(job, api, folder, signal, logger);
      return repeatFailedRun(test, { job, artefactFiles, onProgress, onOutput, signal });
    };
    const { observations, evidence } = await testOnce().catch((error: unknown) => {
      if (!(error instanceof FilesNotKept)) throw error;
      logger.error({ err: error.message }, 'run cannot be done on this host');
      return untested(job, error.message);
    });
    await sent;
    await relay.end();
    for (const file of evidence) await untilReachable(() => api.evidence(file), signal);
    const report = {
      attempt: job.attempt,
      observations,
      evidence: evidence.map(({ name, mediaType, bytes, sha256 }) => ({
        name,
        mediaType,
        sizeBytes: bytes.byteLength,
        sha256,
      })),
    };
    await untilReachable(() => api.report(job.runId, report), signal);
    logger.info({ failure: observations.failure?.code, labMilliseconds: observations.labMilliseconds }, 'run reported');
    return endOf(report);
  } catch (error) {
    if (!signal.aborted && !(error instanceof RunAborted) && !isLeaseLost(error)) throw error;
    logger.info('run called off');
    return 'called-off';
  } finally {
    clearInterval(heartbeat);
    if (folder !== undefined) await fs.rm(folder, { recursive: true, force: true });
  }
}

/** This host has no room for the files of a patch, or refuses to keep them: trying again at once would not help. */
class FilesNotKept extends Error {
  readonly code = 'files-not-kept';
  constructor(why: string) {
    super(`The lab’s host could not keep the files of the patch: ${why}. Make room in VOUCH_DATA_DIR.`);
    this.name = 'FilesNotKept';
  }
}

function cannotKeep(error: Error): never {
  throw new FilesNotKept(error.message);
}

/** What is said of a run that did not come to its first step, by the lab's fault. */
function untested({ goldenDigest, plan }: LabJob, message: string): RunResult {
  const nothing = unobserved(goldenDigest, plan);
  const failure = { step: plan.steps[0] ?? 'restore', blame: 'lab', code: 'lab-unavailable', message } as const;
  return { observations: { ...nothing, failure }, evidence: [] };
}

/** A file that the server does not have stays away: the driver finds that out, and the run ends as the lab's failure. */
async function fetchArtefacts(
  job: LabJob,
  api: LabApi,
  folder: string,
  signal: AbortSignal,
  logger: Logger,
): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const { sha256 } of job.artefacts) {
    try {
      const bytes = await untilReachable(() => api.artefact(sha256), signal);
      const file = path.join(folder, sha256);
      await fs.writeFile(file, bytes).catch(cannotKeep);
      files.set(sha256, file);
    } catch (error) {
      if (!(error instanceof ApiRefused)) throw error;
      logger.warn({ sha256, err: error.message }, 'the server does not have an artefact');
    }
  }
  return files;
}

/** 409: the run was given to another, or cancelled. */
const isLeaseLost = (error: unknown): boolean => error instanceof ApiRefused && error.status === 409;
