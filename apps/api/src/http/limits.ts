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
export const LARGEST_BODY = 64 * KIB * KIB;

export function bodyLimitOf(route: string): number {
  return BODY_LIMITS.find(([prefix]) => route.startsWith(prefix))?.[1] ?? 0;
}

/** Reads JSON strictly and gives every route its own limit. Must run before routes are made. */
export function limitBodies(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    route.bodyLimit = bodyLimitOf(route.url);
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
