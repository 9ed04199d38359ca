import {
  LabJob,
  RunnerWelcome,
  type ClaimRequest,
  type GoldenReport,
  type RunOutput,
  type RunReport,
  type RunnerHello,
  type StepProgress,
} from '@vouch/contracts';
import type { EvidenceFile } from '@vouch/lab';
import { newId, timeLimit } from '@vouch/platform';

/** Nobody answers, or the server is in trouble: worth another try. */
export class ApiUnreachable extends Error {
  readonly code = 'api-unreachable';
  constructor(message: string) {
    super(`The API cannot be reached: ${message}. It is tried again.`);
    this.name = 'ApiUnreachable';
  }
}

/** The server answered that this request is wrong: trying again does not help. */
export class ApiRefused extends Error {
  readonly code = 'api-refused';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(`The API refused: ${message}. Check VOUCH_API_URL and VOUCH_LAB_TOKEN.`);
    this.name = 'ApiRefused';
  }
}

const TIMEOUT_MS = 30_000;
const TRANSFER_TIMEOUT_MS = 300_000;

/** The lab protocol as its client speaks it; see `libs/contracts/src/lab.ts`. */
export class LabApi {
  constructor(
    private readonly url: string,
    private readonly credential: string,
    /** Ends every request, so that nobody waits for a claim that the server holds open. */
    private readonly stopped: AbortSignal,
  ) {}

  async hello(hello: RunnerHello): Promise<RunnerWelcome> {
    return RunnerWelcome.parse(await (await this.post('hello', hello)).json());
  }

  async reportGolden(report: GoldenReport): Promise<void> {
    await this.post('goldens', report);
  }

  async claim(request: ClaimRequest): Promise<LabJob | null> {
    const response = await this.post('runs/claim', request);
    return response.status === 204 ? null : LabJob.parse(await response.json());
  }

  async heartbeat(runId: string, attempt: number): Promise<void> {
    await this.post(`runs/${runId}/heartbeat`, { attempt });
  }

  async progress(runId: string, progress: StepProgress): Promise<void> {
    await this.post(`runs/${runId}/progress`, progress);
  }

  async output(runId: string, output: RunOutput): Promise<void> {
    await this.post(`runs/${runId}/output`, output);
  }

  async report(runId: string, report: RunReport): Promise<void> {
    await this.post(`runs/${runId}/report`, report);
  }

  async artefact(sha256: string): Promise<Buffer> {
    const response = await this.send('GET', `artefacts/${sha256}`, { timeoutMs: TRANSFER_TIMEOUT_MS });
    return Buffer.from(await response.arrayBuffer());
  }

  async evidence(file: EvidenceFile): Promise<void> {
    await this.send('PUT', `evidence/${file.sha256}`, { bytes: file.bytes, timeoutMs: TRANSFER_TIMEOUT_MS });
  }

  private post(path: string, json: unknown): Promise<Response> {
    return this.send('POST', path, { json });
  }

  private async send(
    method: string,
    path: string,
    { json, bytes, timeoutMs = TIMEOUT_MS }: { json?: unknown; bytes?: Uint8Array; timeoutMs?: number },
  ): Promise<Response> {
    const body = json === undefined ? (bytes === undefined ? null : Buffer.from(bytes)) : JSON.stringify(json);
    const response = await fetch(`${this.url}/lab/v1/${path}`, {
      method,
      body,
      headers: {
        authorization: `Bearer ${this.credential}`,
        'x-correlation-id': newId(),
        ...(body === null
          ? {}
          : { 'content-type': json === undefined ? 'application/octet-stream' : 'application/json' }),
      },
      signal: AbortSignal.any([this.stopped, timeLimit(timeoutMs)]),
    }).catch((error: unknown) => {
      throw new ApiUnreachable(`${path}: ${reasonOf(error)}`);
    });
    if (response.ok) return response;
    const answer = `${path} answered ${response.status}: ${(await response.text()).slice(0, 500)}`;
    throw response.status >= 500 ? new ApiUnreachable(answer) : new ApiRefused(response.status, answer);
  }
}

/** fetch hides what happened in the cause of its error. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}
