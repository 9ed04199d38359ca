import http from 'node:http';
import type { Database, Metrics } from '@vouch/platform';

/** Health and metrics of a process that serves nobody else. */
export function createOperationServer(database: Database, metrics: Metrics): http.Server {
  const routes: Record<string, () => Promise<{ status: number; type: string; body: string }>> = {
    '/health/live': async () => json(200, { status: 'live' }),
    '/health/ready': async () =>
      database.ping().then(
        () => json(200, { status: 'ready', database: 'up' }),
        () => json(503, { status: 'not ready', database: 'down' }),
      ),
    '/metrics': async () => ({
      status: 200,
      type: metrics.registry.contentType,
      body: await metrics.registry.metrics(),
    }),
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
