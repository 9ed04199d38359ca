import type { FastifyReply } from 'fastify';
import type { CallerRequest } from '../access/access.js';
import type { Quota, RateLimits } from './rate-limits.js';

/**
 * Counts a request against who makes it, as soon as that is known: what is refused afterwards counts too. Strangers count
 * by address.
 * @throws TooManyRequests
 */
export async function countRequest(limits: RateLimits, request: CallerRequest, reply: FastifyReply): Promise<void> {
  if (request.url.startsWith('/health/')) return;
  const { headers } = await limits.take(...whoOf(request));
  void reply.headers(headers);
}

function whoOf({ caller, device, runner, ip }: CallerRequest): [Quota, string] {
  if (caller) return ['caller', `${caller.kind}:${caller.id}`];
  if (device) return ['device', device.deviceId];
  if (runner) return ['runner', runner.credential];
  return ['address', ip];
}
