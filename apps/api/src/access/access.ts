import { SetMetadata, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { DeviceContext } from '@vouch/fleet';
import type { Action, MemberContext } from '@vouch/identity';

/** Who may use a route: a member with a right, a device, a lab-runner, or (written out) everybody. */
export type AccessRule = { readonly member: Action } | 'signed-in' | 'device' | 'lab-runner' | 'public';

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
  member?: MemberContext;
  device?: DeviceContext;
  runner?: RunnerContext;
}

function caller<K extends 'member' | 'device' | 'runner'>(key: K) {
  return createParamDecorator((_data: unknown, context: ExecutionContext): NonNullable<CallerRequest[K]> => {
    const found = context.switchToHttp().getRequest<CallerRequest>()[key];
    if (found === undefined) throw new TypeError(`The route asks for a ${key} but its access rule lets others in.`);
    return found as NonNullable<CallerRequest[K]>;
  });
}

export const Member = caller('member');
export const Device = caller('device');
export const Runner = caller('runner');
