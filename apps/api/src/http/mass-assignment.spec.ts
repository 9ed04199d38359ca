import 'reflect-metadata';
import type { Type } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AppModule } from '../app.module.js';
import { declaredRoutes } from '../openapi/routes.js';

/** What a caller would like to set, and may not. */
const WISHES = { mspId: 'x', tenantId: 'x', ownerId: 'x', role: 'operator', id: 'x', createdBy: 'x', isAdmin: true };

/** The fields that a body may have, at its top. */
const fieldsOf = (schema: unknown): string[] => {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(fieldsOf);
  return [];
};

describe('a body that says more than it is asked for', () => {
  const { controllers = [] } = AppModule.with({} as never, {} as never, {} as never);
  const routes = declaredRoutes(controllers as readonly Type[]).filter(({ body }) => body !== undefined);

  it('is looked for at every route that takes one', () => {
    expect(routes.length).toBeGreaterThan(30);
  });

  it.each(routes.map((route) => [`${route.method} ${route.path}`, route.body as z.ZodType] as const))(
    '%s is refused, or what was added is left out',
    (_route, schema) => {
      const [example] = (z.globalRegistry.get(schema)?.examples ?? []) as readonly Record<string, unknown>[];
      expect(schema.safeParse(example).success).toBe(true);
      const allowed = new Set(fieldsOf(schema));
      for (const [name, value] of Object.entries(WISHES)) {
        if (allowed.has(name)) continue;
        const parsed = schema.safeParse({ ...example, [name]: value });
        if (parsed.success) expect(parsed.data).not.toHaveProperty(name);
        else expect(JSON.stringify(parsed.error.issues)).toContain(name);
      }
    },
  );
});
