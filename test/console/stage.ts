import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import type { Overview, RunDetail, RunOutput } from '@vouch/contracts';
import { overviews, runDetail } from './overviews.js';

const DIST = path.resolve(import.meta.dirname, '../../apps/console/dist');
const BROWSER = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'";
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

const eventOf = (piece: RunOutput): string => `event: output\ndata: ${JSON.stringify(piece)}\n\n`;

/** Serves the built console under the product's own content security policy, with an API that the test plays. */
export class Stage {
  overview: Overview | null = null;
  run: RunDetail = runDetail;
  /** What the machine under test prints. */
  output: readonly RunOutput[] = [];
  /** Somebody who runs the installation: there is no overview for them. */
  isOperator = false;
  /** Answers to requests of other pages: to GET by path, to others by `METHOD path`. */
  readonly answers = new Map<string, unknown>();
  /** As a proxy answers while the server behind it is away. */
  away = false;
  private readonly listeners = new Set<http.ServerResponse>();
  private readonly server = http.createServer((request, response) => this.serve(request, response));

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  show(overview: Overview): void {
    this.overview = overview;
    for (const listener of this.listeners) listener.write('event: change\ndata: {"topic":"x"}\n\n');
  }

  leave(): void {
    this.away = true;
    for (const listener of this.listeners) listener.end();
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(request: http.IncomingMessage, response: http.ServerResponse): void {
    const json = (status: number, body: unknown): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const url = request.url ?? '/';
    if (this.away && url.startsWith('/api/')) return json(502, {});
    if (url === '/api/v1/session' && request.method === 'POST') {
      this.overview = overviews.empty;
      return json(200, { secondFactor: 'done' });
    }
    if (this.overview === null && url.startsWith('/api/')) return json(401, { detail: 'Sign in first.' });
    if (url === '/api/v1/overview')
      return this.isOperator ? json(403, { code: 'access-denied' }) : json(200, this.overview);
    if (request.method !== 'GET' && this.answers.has(`${request.method} ${url}`))
      return json(200, this.answers.get(`${request.method} ${url}`));
    if (/^\/api\/v1\/runs\/[^/]+\/output$/.test(url)) {
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(`${this.output.map(eventOf).join('')}event: end\ndata: {}\n\n`);
      return;
    }
    if (url.startsWith('/api/v1/runs/')) return json(200, this.run);
    if (request.method === 'GET' && this.answers.has(url)) return json(200, this.answers.get(url));
    if (url === '/api/v1/live') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n');
      this.listeners.add(response);
      response.on('close', () => this.listeners.delete(response));
      return;
    }
    const file = path.join(DIST, url === '/' ? 'index.html' : url);
    if (!file.startsWith(DIST) || !fs.existsSync(file)) return json(404, {});
    response.writeHead(200, {
      'content-type': TYPES[path.extname(file)] ?? 'text/plain',
      'content-security-policy': POLICY,
    });
    response.end(fs.readFileSync(file));
  }
}

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: '/usr/bin/chromium', args: BROWSER });
