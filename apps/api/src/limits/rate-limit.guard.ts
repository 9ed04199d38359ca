import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { CallerRequest } from '../access/access.js';
import { Services } from '../services.js';
import type { Quota } from './rate-limits.js';

/** Runs after the guard that finds out who calls, and counts against that caller; strangers count by address. */
@Injectable()
export class RateLimitGuard implements CanActivate {
  constructor(@Inject(Services) private readonly services: Services) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<CallerRequest>();
    if (request.url.startsWith('/health/')) return true;
    const { headers } = await this.services.rest.limits.take(...whoOf(request));
    void context.switchToHttp().getResponse<FastifyReply>().headers(headers);
    return true;
  }
}

function whoOf({ caller, device, runner, ip }: CallerRequest): [Quota, string] {
  if (caller) return ['caller', `${caller.kind}:${caller.id}`];
  if (device) return ['device', device.deviceId];
  if (runner) return ['runner', runner.credential];
  return ['address', ip];
}
