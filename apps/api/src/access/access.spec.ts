import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { AppModule } from '../app.module.js';
import { ACCESS_RULE } from './access.js';

/** Nest keeps a handler's route in this metadata. */
const ROUTE = 'path';

describe('access', () => {
  const { controllers = [] } = AppModule.with({} as never, {} as never, {} as never);
  const routes = controllers.flatMap((controller) => {
    const prototype = controller.prototype as Record<string, unknown>;
    return Object.getOwnPropertyNames(prototype)
      .map((name) => ({ controller, name, handler: prototype[name] }))
      .filter(
        ({ name, handler }) =>
          name !== 'constructor' && typeof handler === 'function' && Reflect.hasMetadata(ROUTE, handler),
      );
  });

  it('finds the routes', () => {
    expect(routes.length).toBeGreaterThan(20);
  });

  it.each(routes.map((route) => [`${route.controller.name}.${route.name}`, route] as const))(
    '%s declares who may use it',
    (_name, route) => {
      const rule: unknown =
        Reflect.getMetadata(ACCESS_RULE, route.handler as object) ?? Reflect.getMetadata(ACCESS_RULE, route.controller);
      expect(rule).toBeDefined();
    },
  );
});
