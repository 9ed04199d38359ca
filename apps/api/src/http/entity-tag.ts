import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Somebody changed it meanwhile, or the caller did not say which version they change. */
export class ChangedMeanwhile extends Error {
  readonly code = 'changed-meanwhile';
  constructor(what: string) {
    super(`The ${what} was changed since you read it. Read it again and repeat the change if it still fits.`);
  }
}
export class ConditionNeeded extends Error {
  readonly code = 'condition-needed';
  constructor() {
    super('Send the ETag of what you change as If-Match, so that nobody else’s change is overwritten.');
  }
}

export const versionTag = (version: number): string => `"v${version}"`;

/**
 * The version that a change is meant for.
 * @throws ConditionNeeded, ChangedMeanwhile
 */
export function versionOf(ifMatch: string | undefined, what: string): number {
  if (ifMatch === undefined) throw new ConditionNeeded();
  const version = /^"v([1-9]\d{0,8})"$/.exec(ifMatch.trim())?.[1];
  if (version === undefined) throw new ChangedMeanwhile(what);
  return Number(version);
}

/** Gives answers of the REST resources an ETag, and answers 304 to who has them already (RFC 9110, 13.1.2). */
export async function entityTag(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
  const applies = request.method === 'GET' && reply.statusCode === 200 && request.url.startsWith('/api/v1/');
  if (!applies || typeof payload !== 'string') return payload;
  const known = reply.getHeader('etag');
  const tag =
    typeof known === 'string' ? known : `"${createHash('sha256').update(payload).digest('base64url').slice(0, 27)}"`;
  reply.header('etag', tag);
  const wanted = request.headers['if-none-match']?.split(',').map((text) => text.trim().replace(/^W\//, '')) ?? [];
  if (!wanted.includes(tag) && !wanted.includes('*')) return payload;
  reply.status(304).removeHeader('content-length').removeHeader('content-type');
  return null;
}
