import { SetMetadata, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { DeviceContext } from '@vouch/fleet';
import type { Action, CallerContext } from '@vouch/identity';

/**
 * Who may use a route: a person or API key with a right, any person who is signed in, any person or key (`caller`), a
 * device, a lab-runner, or (written out) everybody. Of people: `half-signed-in` also those who still owe a second
 * factor, `stepped-up` only those who proved shortly before who they are, `factor-change` those too, and whoever has no
 * second factor yet and must set one up.
 */
export type AccessRule = { readonly may: Action } | PersonRule | 'caller' | 'device' | 'lab-runner' | 'public';
export type PersonRule = 'signed-in' | 'half-signed-in' | 'stepped-up' | 'factor-change';

export const ACCESS_RULE = 'vouch:access-rule';
/** Every route declares its access; one that does not is refused to everybody. */
export const Access = (rule: AccessRule): MethodDecorator & ClassDecorator => SetMetadata(ACCESS_RULE, rule);

export interface RunnerContext {
  readonly credential: string;
  readonly correlationId: string;
}

/** What the guard found out about the caller. */
export interface CallerRequest extends FastifyRequest {
  correlationId: string;
  rawBody?: Buffer;
  caller?: CallerContext;
  device?: DeviceContext;
  runner?: RunnerContext;
}

function found<K extends 'caller' | 'device' | 'runner'>(key: K) {
  return createParamDecorator((_data: unknown, context: ExecutionContext): NonNullable<CallerRequest[K]> => {
    const value = context.switchToHttp().getRequest<CallerRequest>()[key];
    if (value === undefined) throw new TypeError(`The route asks for a ${key} but its access rule lets others in.`);
    return value as NonNullable<CallerRequest[K]>;
  });
}

export const Caller = found('caller');
export const Device = found('device');
export const Runner = found('runner');
