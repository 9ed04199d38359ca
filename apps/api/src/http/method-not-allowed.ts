import type { FastifyInstance } from 'fastify';

/** Knows which methods a path takes, so that a wrong one is told so instead of "not found". */
export class RouteMethods {
  private readonly routes: { readonly method: string; readonly pattern: RegExp }[] = [];

  /** Listens to routes being made. */
  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', ({ method, url }) => {
      if (url === '*' || url === '/*') return;
      const pattern = new RegExp(
        `^${url
          .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
          .replace(/:\w+/g, '[^/]+')
          .replaceAll('*', '.*')}/?$`,
      );
      for (const one of [method].flat()) this.routes.push({ method: one, pattern });
    });
  }

  /** Methods of a path, sorted; none when there is no such path. */
  of(url: string): string[] {
    const [path = ''] = url.split('?');
    return [...new Set(this.routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))].sort();
  }
}
