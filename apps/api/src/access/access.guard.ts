import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { may, type Action } from '@vouch/identity';
import { Services } from '../services.js';
import { ACCESS_RULE, type AccessRule, type CallerRequest } from './access.js';
import { AccessDenied, CsrfHeaderMissing, SignInNeeded } from './access.errors.js';

export const SESSION_COOKIE = 'vouch_session';

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

  private async asCaller(request: CallerRequest, rule: { may: Action } | 'signed-in'): Promise<boolean> {
    const secret = request.cookies[SESSION_COOKIE];
    const { correlationId, ip } = request;
    const caller = secret === undefined ? null : await this.services.sessions.find(secret, { correlationId, from: ip });
    if (caller === null) throw new SignInNeeded();
    // A cookie travels with requests that other sites cause; a header of ours does not.
    if (request.method !== 'GET' && request.headers['x-vouch-csrf'] !== '1') throw new CsrfHeaderMissing();
    if (rule !== 'signed-in' && !may(caller, rule.may)) throw new AccessDenied();
    request.caller = caller;
    return true;
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
