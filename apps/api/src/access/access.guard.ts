import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { API_KEY_PREFIX, isSteppedUp, may, permissions, type Action, type CallerContext } from '@vouch/identity';
import { systemClock } from '@vouch/platform';
import { Services } from '../services.js';
import { ACCESS_RULE, type AccessRule, type CallerRequest, type PersonRule } from './access.js';
import {
  AccessDenied,
  CredentialsAmbiguous,
  CsrfHeaderMissing,
  SecondFactorNeeded,
  SignInNeeded,
  StepUpNeeded,
} from './access.errors.js';

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

  private async asCaller(request: CallerRequest, rule: { may: Action } | PersonRule | 'caller'): Promise<boolean> {
    const { correlationId, ip: from, headers } = request;
    const secret = this.services.people.cookie.read(request);
    if (headers.authorization !== undefined && secret !== undefined) throw new CredentialsAmbiguous();
    const caller =
      headers.authorization === undefined
        ? secret === undefined
          ? null
          : await this.services.people.sessions.find(secret, { correlationId, from })
        : await this.findKey(headers.authorization, { correlationId, from });
    if (caller === null) throw new SignInNeeded();
    // A cookie travels with requests that other sites cause; a header of ours does not, and nor does a key.
    if (caller.kind === 'member' && request.method !== 'GET' && headers['x-vouch-csrf'] !== '1')
      throw new CsrfHeaderMissing();
    requireStanding(caller, rule);
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

/** What the caller must have proved, and be allowed. */
function requireStanding(caller: CallerContext, rule: { may: Action } | PersonRule | 'caller'): void {
  const { secondFactor: state } = caller;
  const settingUp = rule === 'factor-change' && state === 'enrolment-needed';
  if (state !== 'done' && rule !== 'half-signed-in' && !settingUp) throw new SecondFactorNeeded(state);
  if (rule === 'caller') return;
  if (typeof rule === 'string') {
    if (caller.kind !== 'member') throw new AccessDenied();
    const fresh = rule === 'stepped-up' || (rule === 'factor-change' && !settingUp);
    if (fresh && !isSteppedUp(caller.steppedUpAt, systemClock())) throw new StepUpNeeded();
    return;
  }
  if (!may(caller, rule.may)) throw new AccessDenied();
  if (caller.kind === 'member' && permissions[rule.may].stepUp && !isSteppedUp(caller.steppedUpAt, systemClock()))
    throw new StepUpNeeded();
}
