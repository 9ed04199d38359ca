import http from 'node:http';
import type { Registry } from 'prom-client';
import { sha256Hex } from '../ids.js';

/** Whether a process can do its work now, and what that hangs on, for people and probes. */
export interface Readiness {
  readonly ready: boolean;
  readonly detail: Readonly<Record<string, string>>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/**
 * Health and metrics of a process that serves nobody else.
 *
 * @param guard if given, the figures are for who presents its token, and for nobody while it is undefined
 */
export function createOperationServer(
  readiness: () => Promise<Readiness>,
  registry: Registry,
  guard?: { readonly token: string | undefined },
): http.Server {
  // Figures tell a stranger how busy we are. Digests compare in equal time.
  const mayRead = (authorization = ''): boolean =>
    guard === undefined ||
    (guard.token !== undefined && sha256Hex(authorization) === sha256Hex(`Bearer ${guard.token}`));
  const routes: Record<string, (request: http.IncomingMessage) => Promise<Answer>> = {
    '/health/live': async () => json(200, { status: 'live' }),
    '/health/ready': async () => {
      const { ready, detail } = await readiness();
      return json(ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', ...detail });
    },
    '/metrics': async ({ headers }) =>
      mayRead(headers.authorization)
        ? { status: 200, type: registry.contentType, body: await registry.metrics() }
        : notFound(),
  };
  return http.createServer((request, response) => {
    const route = routes[request.url ?? ''];
    const answer = route ? route(request) : Promise.resolve(notFound());
    void answer.then(({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body));
  });
}

const notFound = (): Answer => json(404, { status: 'not found' });
const json = (status: number, body: object): Answer => ({
  status,
  type: 'application/json',
  body: JSON.stringify(body),
});
