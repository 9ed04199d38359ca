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
import { protectResponses } from './http/response-headers.js';
import type { Services } from './services.js';

const CONSOLE = path.resolve(import.meta.dirname, '../../console/dist');
const EVIDENCE_LIMIT = 64 * 1024 * 1024;
/** Builds the HTTP server around the services; the caller listens and closes. */
export async function createServer(services: Services): Promise<NestFastifyApplication> {
  const metrics = new Metrics('api');
  const adapter = new FastifyAdapter({ bodyLimit: 8 * 1024 * 1024, trustProxy: services.config.VOUCH_TRUSTED_PROXIES });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(services, metrics), adapter, {
    logger: ['error', 'warn'],
    rawBody: true,
  });
  app.useBodyParser('application/octet-stream', { bodyLimit: EVIDENCE_LIMIT });
  app.useGlobalPipes(new StandardSchemaValidationPipe());
  await app.register(cookie);
  await app.register(fastifyStatic, { root: CONSOLE, wildcard: false, decorateReply: false, index: ['index.html'] });
  protectResponses(app.getHttpAdapter().getInstance(), services.config.VOUCH_PUBLIC_URL.startsWith('https:'));
  observe(app, services, metrics);
  describe(app);
  await app.init();
  return app;
}

/** Correlation ids, one log line and one metric for each request. */
function observe(app: NestFastifyApplication, services: Services, metrics: Metrics): void {
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', async (request, reply) => {
    const given = request.headers['x-correlation-id'];
    const correlationId = typeof given === 'string' && /^[\w-]{8,64}$/.test(given) ? given : newId();
    (request as unknown as CallerRequest).correlationId = correlationId;
    reply.header('x-correlation-id', correlationId);
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
