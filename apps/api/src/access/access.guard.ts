import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { API_KEY_PREFIX, may, type Action, type CallerContext } from '@vouch/identity';
import { Services } from '../services.js';
import { ACCESS_RULE, type AccessRule, type CallerRequest } from './access.js';
import { AccessDenied, CredentialsAmbiguous, CsrfHeaderMissing, SignInNeeded } from './access.errors.js';

export const SESSION_COOKIE = 'vouch_session';
const BEARER_KEY = new RegExp(`^Bearer (${API_KEY_PREFIX}_[\\w-]{43})$`);

/** The one place that decides who gets in. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(Services) private readonly services: Services,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<CallerRequest>();
    const rule = this.reflector.getAllAndOverride<AccessRule | undefined>(ACCESS_RULE, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (rule === undefined) throw new AccessDenied();
    if (rule === 'public') return true;
    if (rule === 'device') return this.asDevice(request);
    if (rule === 'lab-runner') return this.asRunner(request);
    return this.asCaller(request, rule);
  }

  private async asCaller(request: CallerRequest, rule: { may: Action } | 'signed-in' | 'caller'): Promise<boolean> {
    const { correlationId, ip: from, headers } = request;
    const secret = request.cookies[SESSION_COOKIE];
    if (headers.authorization !== undefined && secret !== undefined) throw new CredentialsAmbiguous();
    const caller =
      headers.authorization === undefined
        ? secret === undefined
          ? null
          : await this.services.sessions.find(secret, { correlationId, from })
        : await this.findKey(headers.authorization, { correlationId, from });
    if (caller === null) throw new SignInNeeded();
    // A cookie travels with requests that other sites cause; a header of ours does not, and nor does a key.
    if (caller.kind === 'member' && request.method !== 'GET' && headers['x-vouch-csrf'] !== '1')
      throw new CsrfHeaderMissing();
    if (rule === 'signed-in' && caller.kind !== 'member') throw new AccessDenied();
    if (typeof rule === 'object' && !may(caller, rule.may)) throw new AccessDenied();
    request.caller = caller;
    return true;
  }

  private findKey(
    authorization: string,
    request: { correlationId: string; from: string },
  ): Promise<CallerContext | null> {
    const key = BEARER_KEY.exec(authorization)?.[1];
    return key === undefined ? Promise.resolve(null) : this.services.rest.apiKeys.find(key, request);
  }

  private async asDevice(request: CallerRequest): Promise<boolean> {
    const header = (name: string): string | undefined => request.headers[name]?.toString();
    request.device = await this.services.devices.authenticate(
      {
        method: request.method,
        path: request.url,
        device: header('x-vouch-device'),
        timestamp: header('x-vouch-timestamp'),
        nonce: header('x-vouch-nonce'),
        signature: header('x-vouch-signature'),
        body: request.rawBody ?? Buffer.alloc(0),
      },
      request.correlationId,
    );
    return true;
  }

  private async asRunner(request: CallerRequest): Promise<boolean> {
    const secret = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
    const credential = secret === undefined ? null : await this.services.credentials.findLabRunner(secret);
    if (credential === null) throw new SignInNeeded();
    request.runner = { credential, correlationId: request.correlationId };
    return true;
  }
}
