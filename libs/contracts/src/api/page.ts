import { z } from 'zod';

/** A whole number in a query string, and nothing else that `Number` would take. */
const count = (max: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,3}$/, `must be a whole number from 1 to ${max}`)
    .transform(Number)
    .pipe(z.int().max(max));

/** What every list takes. Lists add their own filters; a parameter that a list does not know is refused. */
export const pageParameters = {
  limit: count(200)
    .optional()
    .meta({ description: 'How many items at most, 1 to 200; 50 when left out.', examples: ['50'] }),
  cursor: z
    .string()
    .max(600)
    .regex(/^[\w-]+\.[\w-]+$/, 'must be the `next` of an earlier page')
    .optional()
    .meta({ description: 'The `next` of the page before. It belongs to this list with these filters.' }),
};

export const PAGE_SIZE = 50;

/** Refuses what PostgreSQL's text cannot hold, and what nobody types. */
export const PlainText = z
  .string()
  // eslint-disable-next-line no-control-regex
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'must not have control characters');

/** One page of a list: its items, and the cursor of the next page, null on the last. */
export function pageOf<T extends z.ZodType>(item: T, id: string) {
  const [example] = (z.globalRegistry.get(item)?.examples ?? []) as readonly unknown[];
  return z
    .object({
      items: z.array(item),
      next: z.string().nullable().meta({ description: 'Give it as `cursor` to get the next page; null on the last.' }),
    })
    .meta({
      id,
      ...(example === undefined ? {} : { examples: [{ items: [example], next: null }] as never }),
    });
}

export const exampleIds = {
  tenant: '0d8e1f52-7c3a-4b7e-9a51-2f6c8d1e4b90',
  device: '7a1c9b34-5d2e-4f60-8b17-c3e5d7f90a12',
  revision: '4e6f8a10-2b3c-4d5e-8f70-91a2b3c4d5e6',
  run: 'c2d4e6f8-1a2b-4c3d-8e5f-6a7b8c9d0e1f',
  verdict: '91b3d5f7-0a1c-4e2d-9b4f-5c6d7e8f9a0b',
  policy: '3f5a7c9e-1b2d-4f4a-8c6e-7d8f9a0b1c2d',
  cohort: '5b7d9f1a-2c3e-4a5b-9d7f-8e9a0b1c2d3e',
  channel: '6c8eaf2b-3d4f-4b6c-8e8a-9f0b1c2d3e4f',
  approval: '8d0fb13c-4e5a-4c7d-9f9b-0a1c2d3e4f5a',
  cost: 'a31be24d-5f6b-4d8e-80ac-1b2d3e4f5a6b',
  statement: 'b42cf35e-607c-4e9f-91bd-2c3e4f5a6b7c',
  token: 'd53d046f-718d-4fa0-a2ce-3d4f5a6b7c8d',
  apiKey: 'e64e1570-829e-40b1-b3df-4e5a6b7c8d9e',
  endpoint: 'f75f2681-93af-41c2-84e0-5f6b7c8d9eaf',
  delivery: '08603792-a4b0-42d3-95f1-607c8d9eafb0',
} as const;
export const exampleSha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
