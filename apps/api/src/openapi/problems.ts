import type { JsonSchema } from './json-schemas.js';
import type { DeclaredRoute } from './routes.js';

/** What can go wrong, by status: code and sentence of one example each. */
const EXAMPLES: Readonly<Record<number, readonly [code: string, detail: string]>> = {
  400: ['request-invalid', 'limit: must be a whole number from 1 to 200'],
  401: ['sign-in-needed', 'Sign in first: there is no session, or it has ended.'],
  403: ['access-denied', 'Your role does not allow this.'],
  404: ['not-found', 'There is no such device.'],
  405: ['method-not-allowed', 'Use GET here.'],
  409: [
    'request-in-flight',
    'A request with this Idempotency-Key is still being worked on. Wait a moment and repeat it.',
  ],
  412: ['changed-meanwhile', 'It was changed since you read it. Read it again.'],
  413: ['request-too-large', 'The body is too large here.'],
  415: ['request-refused', 'Unsupported media type.'],
  422: ['idempotency-key-reused', 'This Idempotency-Key was used for another request.'],
  428: ['condition-needed', 'Send the ETag that you read as If-Match.'],
  429: ['too-many-requests', 'Too many requests. Try again in 12 seconds.'],

  503: ['public-keys-missing', 'The signing keys are not published yet: the worker has not started.'],
};

const RATE_LIMIT = { RateLimit: { $ref: '#/components/headers/RateLimit' } };
/** Headers of refusals that say what is left of the quota. */
const COUNTED: Readonly<Record<number, JsonSchema>> = {
  403: { headers: RATE_LIMIT },
  429: {
    headers: {
      ...RATE_LIMIT,
      'Retry-After': { description: 'Seconds until it may be tried again.', schema: { type: 'string' } },
    },
  },
};

export const problemResponses: Readonly<Record<string, JsonSchema>> = Object.fromEntries(
  Object.entries(EXAMPLES).map(([status, [code, detail]]) => [
    `Problem${status}`,
    {
      description: detail,
      ...(COUNTED[Number(status)] ?? {}),
      content: {
        'application/problem+json': {
          schema: { $ref: '#/components/schemas/Problem' },
          example: {
            type: `urn:vouch:problem:${code}`,
            title: code.replaceAll('-', ' '),
            status: Number(status),
            detail,
            code,
            correlationId: '2f1c0a9e-8b7d-4c6e-9f5a-4b3c2d1e0f9a',
          },
        },
      },
    },
  ]),
);

/** A change asked for by a person or key: it may carry an Idempotency-Key. */
export const isWrite = ({ method, access }: DeclaredRoute): boolean =>
  method !== 'get' && typeof access !== 'undefined' && !['public', 'device', 'lab-runner'].includes(access as string);

export function problemsOf(route: DeclaredRoute): number[] {
  const { operation, params, body, query, access } = route;
  const hasBody = body !== undefined || operation.takes !== undefined;
  const hasParams = Object.keys(params).length > 0;
  const found = new Set([
    ...(hasBody || hasParams || query !== undefined ? [400] : []),
    ...(access === 'public' ? [] : [401]),
    ...(typeof access === 'object' ? [403] : []),
    ...(hasParams ? [404] : []),
    ...(isWrite(route) ? [403, 409, 422] : []),
    ...(operation.conditional ? [412, 428] : []),
    ...(hasBody ? [413, 415] : []),
    429,
    ...(operation.problems ?? []),
  ]);
  return [...found].sort((a, b) => a - b);
}
