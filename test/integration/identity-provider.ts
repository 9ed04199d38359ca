import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

export interface ProviderAccount {
  readonly email: string;
  readonly email_verified: boolean;
  readonly amr?: readonly string[];
}

export type Claims = Readonly<Record<string, unknown>>;
/** Makes another identity token of what the genuine one says. */
export type Forgery = (claims: Claims, header: Claims, key: KeyObject) => string;

const CLIENT = { clientId: 'vouch', clientSecret: 'a secret of the tests' };

/** A real OpenID Connect provider, at which whoever is named has just signed in. */
export class TestIdentityProvider {
  readonly accounts: Record<string, ProviderAccount> = {};
  /** Who sits at the browser. */
  who = '';
  /** What is sent instead of the identity token; null: the genuine one. */
  forgery: Forgery | null = null;
  private readonly key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

  private constructor(
    readonly issuer: string,
    private readonly server: http.Server,
  ) {}

  get client(): typeof CLIENT {
    return CLIENT;
  }

  static async start(redirectUri: string): Promise<TestIdentityProvider> {
    const server = http.createServer();
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const self = new TestIdentityProvider(issuer, server);
    const provider = new Provider(issuer, {
      clients: [
        {
          client_id: CLIENT.clientId,
          client_secret: CLIENT.clientSecret,
          redirect_uris: [redirectUri],
          token_endpoint_auth_method: 'client_secret_post',
        },
      ],
      jwks: {
        keys: [{ ...self.key.export({ format: 'jwk' }), kid: 'of the tests', use: 'sig', alg: 'RS256' }],
      } as never,
      claims: { openid: ['sub', 'amr'], email: ['email', 'email_verified'], profile: [] },
      conformIdTokenClaims: false,
      features: { devInteractions: { enabled: false } },
      cookies: { keys: ['keys of the tests'] },
      findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...self.accounts[id] }) }),
      loadExistingGrant: async (ctx) => {
        const grant = new ctx.oidc.provider.Grant({
          clientId: ctx.oidc.client?.clientId ?? '',
          accountId: ctx.oidc.session?.accountId ?? '',
        });
        grant.addOIDCScope('openid email profile');
        await grant.save();
        return grant;
      },
    });
    const handle = provider.callback();
    server.on('request', (request, response) => {
      if (request.url === '/token' && self.forgery !== null) self.forge(response, self.forgery);
      if (!request.url?.startsWith('/interaction/')) return void handle(request, response);
      void provider.interactionFinished(request, response, {
        login: { accountId: self.who, amr: [...(self.accounts[self.who]?.amr ?? ['pwd'])] },
      });
    });
    return self;
  }

  private forge(response: http.ServerResponse, forgery: Forgery): void {
    const end = response.end.bind(response) as (text: string) => http.ServerResponse;
    response.end = ((text: string | Buffer) => {
      const answer = JSON.parse(String(text)) as { id_token: string };
      const [header, claims] = answer.id_token
        .split('.')
        .slice(0, 2)
        .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Claims);
      const forged = JSON.stringify({ ...answer, id_token: forgery(claims ?? {}, header ?? {}, this.key) });
      response.setHeader('content-length', Buffer.byteLength(forged));
      return end(forged);
    }) as typeof response.end;
  }

  /** Follows redirects as a browser does, until one leads away from the provider. @returns where to */
  async visit(address: string): Promise<string> {
    const jar = new Map<string, string>();
    let next = address;
    for (let hops = 0; hops < 10; hops += 1) {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await fetch(next, { redirect: 'manual', headers: { cookie } });
      await response.arrayBuffer();
      for (const set of response.headers.getSetCookie()) {
        const [pair = ''] = set.split(';');
        jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
      }
      const location = response.headers.get('location');
      if (location === null) throw new Error(`The provider answered ${response.status} at ${next}.`);
      next = new URL(location, next).href;
      if (!next.startsWith(this.issuer)) return next;
    }
    throw new Error('The provider sends the browser in circles.');
  }

  close(): Promise<unknown> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
