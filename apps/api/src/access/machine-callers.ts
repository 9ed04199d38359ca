import { createHash } from 'node:crypto';
import { DeviceRefused } from '@vouch/fleet';
import { LeaseNeeded } from '@vouch/lab';
import type { FastifyInstance } from 'fastify';
import type { Services } from '../services.js';
import { NotFound, SignInNeeded } from './access.errors.js';
import type { CallerRequest } from './access.js';

/** Whose routes these are, by their beginning; the first that fits counts. */
const DOORS: readonly (readonly [prefix: string, who: 'lab-runner' | 'device' | 'anybody'])[] = [
  ['/lab/v1/', 'lab-runner'],
  ['/device/v1/enrol', 'anybody'],
  ['/device/v1/trust/', 'anybody'],
  ['/device/v1/', 'device'],
];
const EVIDENCE = '/lab/v1/evidence/';

/**
 * Finds out which machine calls before a byte of the body is read, since machines may send much. The guard lets nobody
 * to a route of machines who was not found here.
 */
export function knowMachines(fastify: FastifyInstance, services: Services): void {
  fastify.addHook('onRequest', async (fastifyRequest) => {
    const route = fastifyRequest.routeOptions.url ?? '';
    const request = fastifyRequest as unknown as CallerRequest;
    const who = DOORS.find(([prefix]) => route.startsWith(prefix))?.[1];
    if (who === 'device') request.device = await asDevice(request, services);
    if (who === 'lab-runner') request.runner = await asRunner(request, services);
    if (route.startsWith(EVIDENCE)) await requireLease(request, services);
  });
}

/**
 * The digest that a device signed must be that of the body that came.
 * @throws DeviceRefused
 */
export function requireSignedBody(request: CallerRequest): void {
  const body = request.rawBody ?? Buffer.alloc(0);
  if (!request.device || declaredDigest(request) !== createHash('sha256').update(body).digest('hex'))
    throw new DeviceRefused();
}

function asDevice(request: CallerRequest, services: Services): Promise<NonNullable<CallerRequest['device']>> {
  return services.devices.authenticate(
    {
      method: request.method,
      path: request.url,
      device: header(request, 'x-vouch-device'),
      timestamp: header(request, 'x-vouch-timestamp'),
      nonce: header(request, 'x-vouch-nonce'),
      signature: header(request, 'x-vouch-signature'),
      bodySha256: declaredDigest(request),
    },
    request.correlationId,
  );
}

async function asRunner(request: CallerRequest, services: Services): Promise<NonNullable<CallerRequest['runner']>> {
  const secret = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
  const credential = secret === undefined ? null : await services.credentials.findLabRunner(secret);
  if (credential === null) throw new SignInNeeded();
  return { credential, correlationId: request.correlationId };
}

/** Evidence is large and kept for long: only who tests something has any. */
async function requireLease({ runner }: CallerRequest, services: Services): Promise<void> {
  const id = runner && (await services.runners.findRunner(runner.credential));
  if (!id) throw new NotFound('lab-runner of this credential: say hello first');
  if (!(await services.runs.hasLease(id))) throw new LeaseNeeded();
}

const header = (request: CallerRequest, name: string): string | undefined => request.headers[name]?.toString();

const NOTHING = createHash('sha256').digest('hex');
const declaredDigest = (request: CallerRequest): string => header(request, 'x-vouch-content-sha256') ?? NOTHING;
