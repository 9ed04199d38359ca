import type { FastifyInstance } from 'fastify';
import { BodyRefused, readJson } from './json-body.js';

const KIB = 1024;
/** How large a body may be, by the beginning of the route; the first that fits counts. */
const BODY_LIMITS: readonly (readonly [prefix: string, bytes: number])[] = [
  ['/lab/v1/evidence', 64 * KIB * KIB],
  ['/lab/v1/', 8 * KIB * KIB],
  ['/device/v1/enrol', 8 * KIB],
  ['/device/v1/outcomes', 512 * KIB],
  ['/device/v1/', 8 * KIB * KIB],
  ['/webhooks/', 512 * KIB],
  ['', 64 * KIB],
];
/** The body is packed. Nothing is unpacked here, so that no small body can become a large one. */
class EncodingRefused extends Error {
  readonly code = 'encoding-refused';
  constructor() {
    super('Bodies with a Content-Encoding are not taken: send it as it is.');
  }
}

export const LARGEST_BODY = 64 * KIB * KIB;

export function bodyLimitOf(route: string): number {
  return BODY_LIMITS.find(([prefix]) => route.startsWith(prefix))?.[1] ?? 0;
}

/**
 * Gives every route its own limit, and takes no byte from whom it refuses: who waits to be told to go on is told so only
 * after everything that the head of the request can be refused for, and a connection on which a body was refused ends.
 * Must run before routes are made.
 */
export function limitBodies(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    route.bodyLimit = bodyLimitOf(route.url);
  });
  fastify.server.on('checkContinue', (request, response) => fastify.server.emit('request', request, response));
  fastify.addHook('preParsing', async ({ headers, routeOptions }, reply) => {
    if ((headers['content-encoding'] ?? 'identity') !== 'identity') throw new EncodingRefused();
    const announced = Number(headers['content-length'] ?? 0);
    if (headers.expect !== undefined && announced <= (routeOptions.bodyLimit ?? 0)) reply.raw.writeContinue();
  });
  fastify.addHook('onSend', async ({ raw, headers }, reply) => {
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    if (hasBody && !raw.complete) reply.header('connection', 'close');
  });
}

/** A parser as Nest's Fastify adapter takes it. */
export function parseJson(
  _request: unknown,
  body: Buffer,
  done: (error: Error | null, parsed?: unknown) => void,
): void {
  try {
    done(null, readJson(body));
  } catch (error) {
    done(error instanceof Error ? error : new BodyRefused('The body cannot be read.'));
  }
}
