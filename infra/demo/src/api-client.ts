import { setTimeout as sleep } from 'node:timers/promises';
import { TOTP } from 'otpauth';
import type { Overview, RunDetail } from '@vouch/contracts';

/** The server did not do what the demo asked. */
export class ApiRefused extends Error {
  readonly code = 'api-refused';
  constructor(
    path: string,
    readonly status: number,
    /** Code of the problem, empty if it has none. */
    readonly problem: string,
    detail: string,
  ) {
    super(`${path} answered ${status}: ${detail}`);
  }
}

async function refusal(path: string, response: Response): Promise<ApiRefused> {
  const text = await response.text();
  const code = /"code":"([\w-]+)"/.exec(text)?.[1] ?? '';
  return new ApiRefused(path, response.status, code, text);
}

/** The API as the browser of the consultancy's owner uses it. */
export class ApiClient {
  private cookie = '';

  constructor(
    private readonly url: string,
    private readonly credentials: { readonly email: string; readonly password: string; readonly codeSecret: string },
  ) {}

  async signIn(): Promise<void> {
    const { email, password } = this.credentials;
    await this.send('POST', '/api/v1/session', { email, password });
    await this.withCode((code) => this.send('POST', '/api/v1/session/second-factor', { code }));
  }

  /** Each code is taken once: when one was used a moment ago, the next is waited for. */
  private async withCode(use: (code: string) => Promise<Response>): Promise<void> {
    const totp = new TOTP({ secret: this.credentials.codeSecret });
    for (let again = 0; ; again += 1) {
      try {
        await use(totp.generate());
        return;
      } catch (error) {
        if (!(error instanceof ApiRefused && error.problem === 'code-refused') || again === 2) throw error;
        await sleep(totp.remaining());
      }
    }
  }

  async overview(): Promise<Overview> {
    return (await (await this.send('GET', '/api/v1/overview')).json()) as Overview;
  }

  async run(id: string): Promise<RunDetail> {
    return (await (await this.send('GET', `/api/v1/runs/${id}`)).json()) as RunDetail;
  }

  async enrolmentToken(tenantId: string, ring: number): Promise<string> {
    const response = await this.send('POST', '/api/v1/enrolment-tokens', { tenantId, ring });
    return ((await response.json()) as { token: string }).token;
  }

  async closePeriod(period: string): Promise<void> {
    try {
      await this.send('POST', '/api/v1/statements', { period });
    } catch (error) {
      if (!(error instanceof ApiRefused && error.problem === 'step-up-needed')) throw error;
      const { password } = this.credentials;
      await this.withCode((code) => this.send('POST', '/api/v1/session/step-up', { password, code }));
      await this.send('POST', '/api/v1/statements', { period });
    }
  }

  async agentPackage(): Promise<Buffer> {
    return Buffer.from(await (await this.send('GET', '/agent/vouch-agent.deb')).arrayBuffer());
  }

  private async send(method: string, path: string, body?: unknown): Promise<Response> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        cookie: this.cookie,
        'x-vouch-csrf': '1',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw await refusal(path, response);
    const set = response.headers.getSetCookie()[0]?.split(';')[0];
    if (set !== undefined) this.cookie = set;
    return response;
  }
}
