import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import * as contracts from './index.js';

const schemas = Object.entries(contracts as Readonly<Record<string, unknown>>).filter(
  (entry): entry is [string, z.ZodType] => entry[1] instanceof z.ZodType,
);
const examples = schemas.flatMap(([name, schema]) =>
  ((z.globalRegistry.get(schema)?.examples ?? []) as unknown[]).map((example) => ({ name, schema, example })),
);

describe('examples', () => {
  it('are there', () => expect(examples.length).toBeGreaterThan(50));

  it.each(examples)('of $name are true', ({ schema, example }) => {
    expect(schema.safeParse(example).error).toBeUndefined();
  });
});
