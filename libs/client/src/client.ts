import createClient, { type Client, type Middleware } from 'openapi-fetch';
import type { paths } from './generated/api.js';
import { ApiProblem, ServerUnreachable } from './problem.js';

export interface ClientOptions {
  /** Where Vouch runs, e.g. `https://vouch.example`. */
  readonly url: string;
  /** API key (`vk_…`). */
  readonly key?: string;
  readonly fetch?: typeof fetch;
}

type Answer<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { 'application/json': infer T } } } };
}
  ? T
  : never;
/** Paths that answer page by page. */
export type ListPath = {
  [P in keyof paths]: Answer<P> extends { items: unknown[]; next: string | null } ? P : never;
}[keyof paths];
export type ItemOf<P extends ListPath> = Answer<P> extends { items: (infer T)[] } ? T : never;
type ParametersOf<P extends ListPath> = paths[P] extends { get: { parameters: infer T } } ? T : never;
type QueryOf<P extends ListPath> = ParametersOf<P> extends { query?: infer Q } ? Omit<NonNullable<Q>, 'cursor'> : never;
type PathOf<P extends ListPath> = ParametersOf<P> extends { path: infer T } ? T : undefined;

/**
 * A client of the REST API. `api` has every operation with its types; whatever is refused is thrown as an `ApiProblem`.
 * Every change carries an Idempotency-Key, so that repeating a request that had no answer does it once.
 */
export class VouchClient {
  readonly api: Client<paths>;

  constructor(options: ClientOptions) {
    this.api = createClient<paths>({
      baseUrl: options.url.replace(/\/$/, ''),
      ...(options.fetch ? { fetch: options.fetch } : {}),
    });
    this.api.use(middleware(options));
  }

  /** All items of a list, page after page. */
  async *all<P extends ListPath>(path: P, query?: QueryOf<P>, pathParameters?: PathOf<P>): AsyncGenerator<ItemOf<P>> {
    let cursor: string | null = null;
    do {
      const parameters = { query: { ...query, ...(cursor === null ? {} : { cursor }) }, path: pathParameters };
      const { data } = await this.api.GET(path as '/api/v1/devices', { params: parameters as never });
      const page = data as unknown as { items: ItemOf<P>[]; next: string | null };
      yield* page.items;
      cursor = page.next;
    } while (cursor !== null);
  }
}

function middleware({ url, key }: ClientOptions): Middleware {
  return {
    onRequest({ request }) {
      if (key !== undefined) request.headers.set('authorization', `Bearer ${key}`);
      if (request.method !== 'GET' && !request.headers.has('idempotency-key'))
        request.headers.set('idempotency-key', crypto.randomUUID());
      return request;
    },
    async onResponse({ response }) {
      if (!response.ok && response.status !== 304) throw await ApiProblem.of(response);
      return response;
    },
    onError({ error }) {
      return new ServerUnreachable(url, error);
    },
  };
}
