import { z } from 'zod';

/** Problem details for HTTP APIs (RFC 9457): how every error is answered. */
export const Problem = z
  .object({
    type: z.string().meta({ description: 'A URN that names the kind of problem.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What happened, to what, and what to do next, in a sentence.' }),
    code: z.string().meta({ description: 'Stable name of the problem, for programs.' }),
    correlationId: z
      .string()
      .meta({ description: 'Finds the request in the logs; also in the header X-Correlation-Id.' }),
  })
  .meta({
    id: 'Problem',
    description: 'Problem details (RFC 9457).',
    examples: [
      {
        type: 'urn:vouch:problem:not-found',
        title: 'not found',
        status: 404,
        detail: 'There is no such device.',
        code: 'not-found',
        correlationId: '2f1c0a9e-8b7d-4c6e-9f5a-4b3c2d1e0f9a',
      },
    ],
  });
export type Problem = z.infer<typeof Problem>;
