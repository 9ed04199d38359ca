import { TOTP } from 'otpauth';
import { SealedBox, shared } from '@vouch/platform';
import { mailPlaceOf } from '@vouch/identity';
import { PASSWORD, type TestApi } from './api.js';

/** A person at a browser: keeps the cookie that answers set, and sends it with everything. */
export class Person {
  cookie = '';

  constructor(
    readonly api: TestApi,
    readonly email: string,
    private readonly address = 'Mozilla/5.0 (tests)',
  ) {}

  async send(method: string, route: string, body?: unknown, more: Record<string, string> = {}): Promise<Response> {
    const response = await fetch(this.api.url + route, {
      method,
      headers: {
        'x-vouch-csrf': '1',
        'user-agent': this.address,
        ...(this.cookie === '' ? {} : { cookie: this.cookie }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...more,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const set = response.headers.getSetCookie()[0]?.split(';')[0];
    if (set !== undefined) this.cookie = set.endsWith('=') ? '' : set;
    return response;
  }

  signIn(password = PASSWORD): Promise<Response> {
    return this.send('POST', '/api/v1/session', { email: this.email, password });
  }

  /** Signs in for the first time and sets up codes. @returns the app, and the recovery codes */
  async setUpCodes(): Promise<{ app: App; recoveryCodes: string[] }> {
    const { secret } = (await (await this.send('POST', '/api/v1/account/codes')).json()) as { secret: string };
    const app = new App(secret);
    const answer = await this.send('POST', '/api/v1/account/codes/confirm', { code: app.code(-1) });
    const { recoveryCodes } = (await answer.json()) as { recoveryCodes: string[] };
    return { app, recoveryCodes };
  }
}

/** An authenticator app. Codes one step early or late are taken, so tests need not wait for the next one. */
export class App {
  private readonly totp: TOTP;

  constructor(secret: string) {
    this.totp = new TOTP({ secret });
  }

  code(steps = 0): string {
    return this.totp.generate({ timestamp: Date.now() + steps * 30_000 });
  }
}

export async function problemCode(response: Response): Promise<[number, string]> {
  return [response.status, ((await response.json()) as { code: string }).code];
}

/** Mails that wait to be sent, as the worker would read them. */
export async function mailsTo(api: TestApi, recipient: string): Promise<{ subject: string; text: string }[]> {
  const box = new SealedBox(api.secretsKey);
  const rows = await api.database.platform.transaction(shared, (tx) =>
    tx.query<{ id: string; subject: string; sealed: string }>(
      'select id, subject, sealed from platform_mail where recipient = $1 order by created_at',
      [recipient],
    ),
  );
  return rows.map(({ id, subject, sealed }) => ({ subject, text: box.open(sealed, mailPlaceOf(id)) }));
}
