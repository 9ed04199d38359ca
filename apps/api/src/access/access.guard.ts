import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { API_KEY_PREFIX, isSteppedUp, may, permissions, type Action, type CallerContext } from '@vouch/identity';
import { systemClock } from '@vouch/platform';
import type { FastifyReply } from 'fastify';
import { countRequest } from '../limits/count-request.js';
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
import { requireSignedBody } from './machine-callers.js';
import { originOf } from './origin.js';

type CallerRule = { readonly may: Action } | PersonRule | 'caller';

const BEARER_KEY = new RegExp(`^Bearer (${API_KEY_PREFIX}_[\\w-]{43})$`);

/** The key in an Authorization header; null when there is none. */
export const apiKeyOf = (authorization: string | undefined): string | null =>
  BEARER_KEY.exec(authorization ?? '')?.[1] ?? null;

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
    const isOfCaller = rule !== 'public' && rule !== 'device' && rule !== 'lab-runner';
    if (rule === 'device') requireSignedBody(request);
    if (rule === 'lab-runner' && !request.runner) throw new SignInNeeded();
    const caller = isOfCaller ? await this.asCaller(request) : null;
    await countRequest(this.services.rest.limits, request, context.switchToHttp().getResponse<FastifyReply>());
    if (isOfCaller && caller !== null) requireStanding(request, caller, rule);
    return true;
  }

  /** Who calls; not yet whether they may. */
  private async asCaller(request: CallerRequest): Promise<CallerContext> {
    const { correlationId, headers } = request;
    const from = originOf(request);
    const secret = this.services.people.cookie.read(request);
    if (headers.authorization !== undefined && secret !== undefined) throw new CredentialsAmbiguous();
    const caller =
      headers.authorization === undefined
        ? secret === undefined
          ? null
          : await this.services.people.sessions.find(secret, { correlationId, from })
        : await this.findKey(headers.authorization, { correlationId, from });
    if (caller === null) throw new SignInNeeded();
    return (request.caller = caller);
  }

  private findKey(
    authorization: string,
    request: Pick<CallerContext, 'correlationId' | 'from'>,
  ): Promise<CallerContext | null> {
    const key = apiKeyOf(authorization);
    return key === null ? Promise.resolve(null) : this.services.rest.apiKeys.find(key, request);
  }
}

/** What the caller must have proved, and be allowed. */
function requireStanding(request: CallerRequest, caller: CallerContext, rule: CallerRule): void {
  // A cookie travels with requests that other sites cause; a header of ours does not, and nor does a key.
  if (caller.kind === 'member' && request.method !== 'GET' && request.headers['x-vouch-csrf'] !== '1')
    throw new CsrfHeaderMissing();
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
