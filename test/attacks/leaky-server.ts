import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { shared, type Database } from '@vouch/platform';

/** A server with the two holes that scanners look for first: the control that they do look. */
export async function startLeakyServer(database: Database): Promise<{ url: string; close: () => Promise<void> }> {
  const server = http.createServer((request, response) => {
    const id = new URL(request.url ?? '/', 'http://127.0.0.1').searchParams.get('id') ?? '';
    const page = (status: number, text: string): void =>
      void response.writeHead(status, { 'content-type': 'text/html' }).end(`<html><body>${text}</body></html>`);
    if (request.url === '/') return page(200, '<a href="/find?id=1">find</a>');
    if (!request.url?.startsWith('/find?')) return page(404, 'not here');
    database
      .read<{ name: string }>(
        shared,
        `select 'tenant ' || x as name from generate_series(1, 3) x where x::text = '${id}'`,
      )
      .then((rows) => page(200, `${id}: ${rows.map((row) => row.name).join(', ')}`))
      .catch((error: unknown) => page(500, String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
