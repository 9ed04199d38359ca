import {
  LabJob,
  RunnerWelcome,
  type GoldenReport,
  type RunReport,
  type RunnerHello,
  type StepProgress,
} from '@vouch/contracts';
import type { EvidenceFile } from '@vouch/lab';
import { newId } from '@vouch/platform';

/** The server does not answer, or not as the protocol says. Tried again later. */
export class LabApiUnavailable extends Error {
  readonly code = 'lab-api-unavailable';
}

/** The run is not this runner's any more (409): stop at once. */
export class LeaseGone extends Error {
  readonly code = 'lease-gone';
}

const TIMEOUT_MS = 30_000;
const TRANSFER_TIMEOUT_MS = 300_000;

/** The lab protocol as its client speaks it; see `libs/contracts/src/lab.ts`. */
export class LabApi {
  constructor(
    private readonly url: string,
    private readonly credential: string,
  ) {}

  async hello(hello: RunnerHello): Promise<RunnerWelcome> {
    return RunnerWelcome.parse(await (await this.post('hello', hello)).json());
  }

  async golden(report: GoldenReport): Promise<void> {
    await this.post('goldens', report);
  }

  async claim(signal: AbortSignal): Promise<LabJob | null> {
    const response = await this.send('POST', 'runs/claim', { json: {}, signal });
    return response.status === 204 ? null : LabJob.parse(await response.json());
  }

  async heartbeat(runId: string, attempt: number): Promise<void> {
    await this.post(`runs/${runId}/heartbeat`, { attempt });
  }

  async progress(runId: string, progress: StepProgress): Promise<void> {
    await this.post(`runs/${runId}/progress`, progress);
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
    {
      json,
      bytes,
      timeoutMs = TIMEOUT_MS,
      signal,
    }: { json?: unknown; bytes?: Uint8Array; timeoutMs?: number; signal?: AbortSignal },
  ): Promise<Response> {
    const limit = AbortSignal.timeout(timeoutMs);
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
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    }).catch((error: unknown) => {
      throw new LabApiUnavailable(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    });
    if (response.ok) return response;
    const text = await response.text();
    if (response.status === 409) throw new LeaseGone(text);
    throw new LabApiUnavailable(`${path} answered ${response.status}: ${text.slice(0, 500)}`);
  }
}
