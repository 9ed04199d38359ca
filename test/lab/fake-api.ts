import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { GoldenReport, LabJob, Profile, RunnerHello, RunOutput, RunReport, StepProgress } from '@vouch/contracts';
import { profileDigest } from '@vouch/lab';
import { readFile } from 'node:fs/promises';
import type { PatchFile } from './lab-fixture.js';

/** The server's end of the lab protocol, in memory: hands out the runs that a test puts in and keeps what it is told. */
export class FakeApi {
  readonly hellos: RunnerHello[] = [];
  readonly goldens: GoldenReport[] = [];
  readonly progress: StepProgress[] = [];
  readonly output: RunOutput[] = [];
  readonly evidence = new Map<string, Buffer>();
  readonly reports: RunReport[] = [];
  readonly queue: LabJob[] = [];
  leaseLost = false;
  /** Hears of each request before it is answered, e.g. `PUT evidence`; no answer while this goes on. */
  before: (deed: string) => Promise<void> = () => Promise.resolve();
  private readonly files = new Map<string, string>();
  private readonly server: Server;

  constructor(
    private readonly token: string,
    private readonly profiles: readonly Profile[],
  ) {
    this.server = createServer((request, response) => {
      void this.answer(request).then(({ status, body }) => {
        response.writeHead(status, {
          'content-type': Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json',
        });
        response.end(body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body));
      });
    });
  }

  /** @param port 0: any */
  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    const address = this.server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  enqueue(job: LabJob, patch: readonly PatchFile[]): void {
    for (const { artefact, file } of patch) this.files.set(artefact.sha256, file);
    this.queue.push(job);
  }

  private async answer(request: IncomingMessage): Promise<{ status: number; body?: unknown }> {
    const bytes = await readAll(request);
    if (request.headers.authorization !== `Bearer ${this.token}`) return { status: 401 };
    const [, , , what = '', id = '', deed = ''] = (request.url ?? '').split('/');
    const body: unknown = request.headers['content-type'] === 'application/json' ? JSON.parse(bytes.toString()) : null;
    const asked = `${request.method} ${what} ${deed || (what === 'runs' ? id : '')}`.trim();
    await this.before(asked);
    switch (asked) {
      case 'POST hello':
        this.hellos.push(body as RunnerHello);
        return { status: 200, body: this.welcome() };
      case 'POST goldens':
        this.goldens.push(body as GoldenReport);
        return { status: 204 };
      case 'POST runs claim': {
        for (let patience = 20; patience > 0 && this.queue.length === 0; patience--) await pause(50);
        const job = this.queue.shift();
        return job === undefined ? { status: 204 } : { status: 200, body: job };
      }
      case 'POST runs heartbeat':
        return { status: this.leaseLost ? 409 : 204 };
      case 'POST runs progress':
        this.progress.push(body as StepProgress);
        return { status: this.leaseLost ? 409 : 204 };
      case 'POST runs output':
        this.output.push(body as RunOutput);
        return { status: this.leaseLost ? 409 : 204 };
      case 'POST runs report':
        this.reports.push(body as RunReport);
        return { status: 204 };
      case 'GET artefacts': {
        const file = this.files.get(id);
        return file === undefined ? { status: 404 } : { status: 200, body: await readFile(file) };
      }
      case 'PUT evidence':
        this.evidence.set(id, bytes);
        return { status: 204 };
      default:
        return { status: 404 };
    }
  }

  private welcome(): unknown {
    return {
      runnerId: 'fake',
      profiles: this.profiles.map((profile) => ({ digest: profileDigest(profile), profile })),
    };
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
