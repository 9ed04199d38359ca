import path from 'node:path';
import cookie from '@fastify/cookie';
import fastifyStatic from '@fastify/static';
import { StandardSchemaValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Metrics, newId } from '@vouch/platform';
import type { CallerRequest } from './access/access.js';
import { AppModule } from './app.module.js';
import type { Services } from './services.js';

const CONSOLE = path.resolve(import.meta.dirname, '../../console/dist');
const EVIDENCE_LIMIT = 64 * 1024 * 1024;
/** No page of ours is framed, guessed at, or tells others where its reader came from. */
const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // The filter of old browsers is itself a hole: switched off, as OWASP advises.
  'x-xss-protection': '0',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
};

/** Builds the HTTP server around the services; the caller listens and closes. */
export async function createServer(services: Services): Promise<NestFastifyApplication> {
  const metrics = new Metrics('api');
  const adapter = new FastifyAdapter({ bodyLimit: 8 * 1024 * 1024, trustProxy: false });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(services, metrics), adapter, {
    logger: ['error', 'warn'],
    rawBody: true,
  });
  app.useBodyParser('application/octet-stream', { bodyLimit: EVIDENCE_LIMIT });
  app.useGlobalPipes(new StandardSchemaValidationPipe());
  await app.register(cookie);
  await app.register(fastifyStatic, { root: CONSOLE, wildcard: false, decorateReply: false, index: ['index.html'] });
  observe(app, services, metrics);
  describe(app);
  await app.init();
  return app;
}

/** Correlation ids, security headers, one log line and one metric for each request. */
function observe(app: NestFastifyApplication, services: Services, metrics: Metrics): void {
  const fastify = app.getHttpAdapter().getInstance();
  const https = services.config.VOUCH_PUBLIC_URL.startsWith('https:');
  fastify.addHook('onRequest', async (request, reply) => {
    const given = request.headers['x-correlation-id'];
    const correlationId = typeof given === 'string' && /^[\w-]{8,64}$/.test(given) ? given : newId();
    (request as unknown as CallerRequest).correlationId = correlationId;
    reply.header('x-correlation-id', correlationId);
    // The API's own documentation page brings inline styles of its library.
    if (!request.url.startsWith('/api/docs')) reply.headers(SECURITY_HEADERS);
    if (https) reply.header('strict-transport-security', 'max-age=31536000; includeSubDomains');
  });
  fastify.addHook('onResponse', async (request, reply) => {
    const labels = {
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: String(reply.statusCode),
    };
    metrics.requestSeconds.observe(labels, reply.elapsedTime / 1000);
    const { correlationId } = request as unknown as CallerRequest;
    services.logger.debug({ ...labels, milliseconds: Math.round(reply.elapsedTime), correlationId }, 'request');
  });
}

function describe(app: NestFastifyApplication): void {
  const document = new DocumentBuilder()
    .setTitle('Vouch')
    .setDescription('Patch approvals that are signed, bound to the tested bytes, and paid for by a fair split.')
    .setVersion('1')
    .setOpenAPIVersion('3.1.0')
    .build();
  SwaggerModule.setup('api/docs', app, () => SwaggerModule.createDocument(app, document), {
    jsonDocumentUrl: 'api/openapi.json',
  });
}
