import http from 'node:http';
import type { Registry } from 'prom-client';

/** Whether a process can do its work now, and what that hangs on, for people and probes. */
export interface Readiness {
  readonly ready: boolean;
  readonly detail: Readonly<Record<string, string>>;
}

/** Health and metrics of a process that serves nobody else. */
export function createOperationServer(readiness: () => Promise<Readiness>, registry: Registry): http.Server {
  const routes: Record<string, () => Promise<{ status: number; type: string; body: string }>> = {
    '/health/live': async () => json(200, { status: 'live' }),
    '/health/ready': async () => {
      const { ready, detail } = await readiness();
      return json(ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', ...detail });
    },
    '/metrics': async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() }),
  };
  return http.createServer((request, response) => {
    const route = routes[request.url ?? ''];
    const answer = route ? route() : Promise.resolve(json(404, { status: 'not found' }));
    void answer.then(({ status, type, body }) => response.writeHead(status, { 'content-type': type }).end(body));
  });
}

const json = (status: number, body: object): { status: number; type: string; body: string } => ({
  status,
  type: 'application/json',
  body: JSON.stringify(body),
});
