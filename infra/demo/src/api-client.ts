import type { Overview, RunDetail } from '@vouch/contracts';

/** The server did not do what the demo asked. */
export class ApiRefused extends Error {
  readonly code = 'api-refused';
  constructor(
    path: string,
    readonly status: number,
    detail: string,
  ) {
    super(`${path} answered ${status}: ${detail}`);
  }
}

/** The API as a technician's browser uses it. */
export class ApiClient {
  private cookie = '';

  constructor(
    private readonly url: string,
    private readonly credentials: { readonly email: string; readonly password: string },
  ) {}

  async signIn(): Promise<void> {
    const response = await this.send('POST', '/api/v1/session', this.credentials);
    this.cookie = response.headers
      .getSetCookie()
      .map((cookie) => cookie.split(';')[0])
      .join('; ');
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
    await this.send('POST', '/api/v1/statements', { period });
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
    if (!response.ok) throw new ApiRefused(path, response.status, await response.text());
    return response;
  }
}
