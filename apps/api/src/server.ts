import path from 'node:path';
import cookie from '@fastify/cookie';
import fastifyStatic from '@fastify/static';
import { StandardSchemaValidationPipe, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { Metrics, newId } from '@vouch/platform';
import type { CallerRequest } from './access/access.js';
import { knowMachines } from './access/machine-callers.js';
import { AppModule } from './app.module.js';
import { earlyRefusals } from './http/early-refusals.js';
import { entityTag } from './http/entity-tag.js';
import { LARGEST_BODY, limitBodies, parseJson } from './http/limits.js';
import { RouteMethods } from './http/method-not-allowed.js';
import { protectResponses } from './http/response-headers.js';
import { describeApi, type OpenApiDocument } from './openapi/document.js';
import { SESSION_COOKIE } from './people/session-cookie.js';
import type { Services } from './services.js';

const CONSOLE = path.resolve(import.meta.dirname, '../../console/dist');

/** Builds the HTTP server around the services; the caller listens and closes. */
export async function createServer(services: Services): Promise<NestFastifyApplication> {
  const metrics = new Metrics('api');
  const methods = new RouteMethods();
  const adapter = new FastifyAdapter({
    bodyLimit: LARGEST_BODY,
    trustProxy: services.config.VOUCH_TRUSTED_PROXIES,
    ...earlyRefusals,
  });
  limitBodies(adapter.getInstance());
  methods.watch(adapter.getInstance());
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(services, metrics, methods), adapter, {
    logger: ['error', 'warn'],
    rawBody: true,
  });
  app.useBodyParser('application/octet-stream', { bodyLimit: LARGEST_BODY });
  app.useBodyParser('application/json', { bodyLimit: LARGEST_BODY }, parseJson);
  app.useGlobalPipes(new StandardSchemaValidationPipe());
  await app.register(cookie);
  await app.register(fastifyStatic, { root: CONSOLE, wildcard: false, decorateReply: false, index: ['index.html'] });
  protectResponses(app.getHttpAdapter().getInstance(), services.config.VOUCH_PUBLIC_URL.startsWith('https:'));
  observe(app, services, metrics);
  knowMachines(app.getHttpAdapter().getInstance(), services);
  describe(app, services.people.cookie.name);
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
  fastify.addHook('onRequest', (request) => services.rest.limits.check('refused', request.ip));
  fastify.addHook('onSend', entityTag);
  fastify.addHook('onResponse', async (request, reply) => {
    // Who guesses credentials is slowed down by address; the callers of right ones are counted by who they are.
    if (reply.statusCode === 401) await services.rest.limits.take('refused', request.ip).catch(() => undefined);
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

/** The OpenAPI document of this API. @param sessionCookie its name differs without TLS */
export function openApiDocument(sessionCookie = SESSION_COOKIE): OpenApiDocument {
  const { controllers = [] } = AppModule.with({} as never, {} as never, {} as never);
  return describeApi(controllers as readonly Type[], sessionCookie);
}

function describe(app: NestFastifyApplication, sessionCookie: string): void {
  SwaggerModule.setup('api/docs', app, openApiDocument(sessionCookie) as unknown as OpenAPIObject, {
    jsonDocumentUrl: 'api/openapi.json',
  });
}
