import http from 'node:http';

interface Announced {
  readonly status: number;
  readonly type: string | undefined;
  readonly connection: string | undefined;
  /** With 100 Continue: the server wants the body. */
  readonly toldToGoOn: boolean;
}

/** Sends the head of a request only, and waits to be told to go on or to be refused. */
export function announce(
  url: string,
  method: string,
  route: string,
  headers: Record<string, string>,
): Promise<Announced> {
  return new Promise((resolve, reject) => {
    const request = http.request(url + route, {
      method,
      headers: { 'content-type': 'application/octet-stream', ...headers, expect: '100-continue' },
    });
    const end = (announced: Announced): void => {
      resolve(announced);
      request.destroy();
    };
    request.once('continue', () => end({ status: 100, type: undefined, connection: undefined, toldToGoOn: true }));
    request.once('response', ({ statusCode = 0, headers: { 'content-type': type, connection } }) =>
      end({ status: statusCode, type, connection, toldToGoOn: false }),
    );
    request.once('error', reject);
    request.flushHeaders();
  });
}

const KEPT_OPEN = new http.Agent({ keepAlive: true });

/** Asks for exactly this path: fetch would resolve its dots before it is sent. */
export function getRaw(
  url: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = http.get({ hostname, port, path, headers, agent: KEPT_OPEN }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on('error', reject);
  });
}
