import type { FastifyReply } from 'fastify';
import type { SessionSecret } from '@vouch/identity';

export const SESSION_COOKIE = '__Host-vouch_session';

/**
 * The cookie that holds a session's secret. Over TLS its name begins with `__Host-`, so that browsers take it from this
 * host alone and no other can plant one (RFC 6265bis); without TLS, on the own machine, browsers would refuse that.
 */
export class SessionCookie {
  readonly name: string;
  private readonly secure: boolean;

  constructor(publicUrl: string) {
    this.secure = publicUrl.startsWith('https:');
    this.name = this.secure ? SESSION_COOKIE : 'vouch_session';
  }

  read(request: { readonly cookies: Readonly<Record<string, string | undefined>> }): string | undefined {
    return request.cookies[this.name];
  }

  write(reply: FastifyReply, { secret, expiresAt }: SessionSecret): void {
    reply.setCookie(this.name, secret, {
      path: '/',
      httpOnly: true,
      sameSite: 'strict',
      secure: this.secure,
      expires: expiresAt,
    });
  }

  /** The state of a single sign-on, while the browser is at the provider: it comes back from another site, so `lax`. */
  writeState(reply: FastifyReply, state: string): void {
    const { secure } = this;
    reply.setCookie(this.stateName, state, { path: '/', httpOnly: true, sameSite: 'lax', secure, maxAge: 600 });
  }

  takeState(
    request: { readonly cookies: Readonly<Record<string, string | undefined>> },
    reply: FastifyReply,
  ): string | undefined {
    reply.clearCookie(this.stateName, { path: '/', secure: this.secure, httpOnly: true, sameSite: 'lax' });
    return request.cookies[this.stateName];
  }

  private get stateName(): string {
    return `${this.name}_state`;
  }

  clear(reply: FastifyReply): void {
    reply.clearCookie(this.name, { path: '/', secure: this.secure, httpOnly: true, sameSite: 'strict' });
  }
}
