import { createHash } from 'node:crypto';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Api, ApiError } from './api.js';
import { parseForm } from './form.js';
import { invoicePage, portalPage } from './pages.js';
import { State } from './state.js';
import { Webhooks } from './webhooks.js';

export interface StandInOptions {
  readonly port: number;
  readonly secretKey: string;
  readonly webhookSecret: string;
  readonly webhookUrl?: string;
  /** Where its memory is kept; in memory only when absent. */
  readonly dataFile?: string;
}

const BODY_LIMIT = 1024 * 1024;

/** A local, stateful stand-in for the part of Stripe's HTTP API that Vouch uses. Listens on 127.0.0.1 only. */
export async function startStripeStandIn(options: StandInOptions): Promise<{ url: string; close(): Promise<void> }> {
  const state = new State(options.dataFile);
  const webhooks = new Webhooks(state, options.webhookUrl, options.webhookSecret);
  const server = http.createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(options.port, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const api = new Api(state, url, (type, object) => webhooks.send(type, object));
  webhooks.resume();
  server.on('request', (request, response) => {
    void serve(request, response, { state, api, secretKey: options.secretKey }).catch(() => response.destroy());
  });
  return {
    url,
    close: async () => {
      webhooks.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Serving {
  readonly state: State;
  readonly api: Api;
  readonly secretKey: string;
}

async function serve(request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const body = await readBody(request);
  if (url.pathname.startsWith('/v1/')) return serveApi(request, response, url, body, serving);
  const { state, api } = serving;
  const [, page, id = '', action] = url.pathname.split('/');
  const invoice = page === 'invoice' ? state.data.invoices[id] : undefined;
  if (invoice && action === 'pay' && request.method === 'POST') {
    api.pay(id);
    state.save();
    response.writeHead(303, { location: `/invoice/${id}` }).end();
    return;
  }
  const html = invoice
    ? invoicePage(invoice, state.itemsOf(id), state.data.customers[invoice.customer]?.name ?? 'customer')
    : page === 'portal'
      ? portalPage(state, id)
      : null;
  response
    .writeHead(html === null ? 404 : 200, { 'content-type': 'text/html; charset=utf-8' })
    .end(html ?? 'Not found');
}

function serveApi(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  body: string,
  { state, api, secretKey }: Serving,
): void {
  const answer = (status: number, content: unknown, headers: Record<string, string> = {}): void => {
    response.writeHead(status, { 'content-type': 'application/json', 'request-id': `req_${Date.now()}`, ...headers });
    response.end(JSON.stringify(content));
  };
  const method = request.method ?? 'GET';
  const key = request.headers['idempotency-key']?.toString();
  const asked = createHash('sha256').update(`${method} ${url.pathname} ${body}`).digest('hex');
  try {
    if (request.headers.authorization !== `Bearer ${secretKey}`) {
      throw new ApiError(401, 'authentication_error', 'Invalid API Key provided.');
    }
    const known = key === undefined ? undefined : state.data.answers[key];
    if (known && known.request !== asked) {
      throw new ApiError(
        400,
        'idempotency_error',
        'Keys for idempotent requests can only be used with the same parameters they were first used with.',
      );
    }
    if (known) return answer(known.status, known.body, { 'idempotent-replayed': 'true' });
    const content = structuredClone(api.handle(method, url.pathname, url.searchParams, parseForm(body)));
    if (key !== undefined && method === 'POST')
      state.data.answers[key] = { request: asked, status: 200, body: content };
    if (method === 'POST') state.save();
    answer(200, content);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    answer(error.status, {
      error: { type: error.type, message: error.message, ...(error.code === undefined ? {} : { code: error.code }) },
    });
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_LIMIT) throw new RangeError('The body is too large.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
