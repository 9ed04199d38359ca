import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Metrics } from './metrics.js';
import { createOperationServer } from './operation-server.js';

const TOKEN = 'a-token-of-the-tests-with-32-chars';

describe('a process that serves nobody else', () => {
  let server: ReturnType<typeof createOperationServer>;
  const get = async (token: string | undefined, route: string, authorization?: string): Promise<Response> => {
    server = createOperationServer(
      async () => ({ ready: true, detail: { database: 'up' } }),
      new Metrics('worker').registry,
      { token },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return fetch(`http://127.0.0.1:${port}${route}`, authorization === undefined ? {} : { headers: { authorization } });
  };
  afterEach(() => void server.close());

  it('shows its figures to who presents the token', async () => {
    const figures = await get(TOKEN, '/metrics', `Bearer ${TOKEN}`);
    expect(figures.status).toBe(200);
    expect(await figures.text()).toContain('process_cpu_seconds_total');
  });

  it.each([
    ['without a token', TOKEN, undefined],
    ['with another one', TOKEN, `Bearer ${TOKEN}x`],
    ['with an empty one', TOKEN, 'Bearer '],
    ['where none is set', undefined, 'Bearer undefined'],
  ])('has none for a request %s, like for a page that is not there', async (_what, token, authorization) => {
    const refused = await get(token, '/metrics', authorization);
    expect([refused.status, await refused.text()]).toEqual([404, '{"status":"not found"}']);
  });

  it('tells everybody whether it lives', async () => {
    expect(await (await get(TOKEN, '/health/ready')).json()).toEqual({ status: 'ready', database: 'up' });
  });
});
