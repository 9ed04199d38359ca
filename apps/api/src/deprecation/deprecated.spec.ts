import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Access } from '../access/access.js';
import { describeApi } from '../openapi/document.js';
import { Operation } from '../openapi/operation.js';
import { Deprecated, DeprecationInterceptor } from './deprecated.js';

@Controller('api/v1')
class OldAndNew {
  @Get('old')
  @Access('public')
  @Deprecated({ since: '2026-01-01', sunset: '2026-07-01', link: 'https://vouch.example/docs/api#old' })
  @Operation({ id: 'readOld', summary: 'The old way' })
  old(): string {
    return 'old';
  }

  @Get('new')
  @Access('public')
  @Operation({ id: 'readNew', summary: 'The new way' })
  young(): string {
    return 'new';
  }
}

@Module({ controllers: [OldAndNew], providers: [{ provide: APP_INTERCEPTOR, useClass: DeprecationInterceptor }] })
class OldModule {}

describe('a deprecated route', () => {
  let app: NestFastifyApplication;
  beforeAll(async () => {
    app = await NestFactory.create<NestFastifyApplication>(OldModule, new FastifyAdapter(), { logger: false });
    await app.init();
  });
  afterAll(() => app.close());

  it('says since when, until when, and where to read on', async () => {
    const { headers, payload } = await app.inject({ method: 'GET', url: '/api/v1/old' });
    expect(payload).toBe('old');
    expect(headers).toMatchObject({
      deprecation: `@${Date.parse('2026-01-01') / 1000}`,
      sunset: 'Wed, 01 Jul 2026 00:00:00 GMT',
      link: '<https://vouch.example/docs/api#old>; rel="deprecation"; type="text/html"',
    });
  });

  it('is the only one that says so', async () => {
    const { headers } = await app.inject({ method: 'GET', url: '/api/v1/new' });
    expect(headers).not.toHaveProperty('deprecation');
    expect(headers).not.toHaveProperty('sunset');
  });

  it('is deprecated in the OpenAPI document', () => {
    const { paths } = describeApi([OldAndNew], 'session');
    expect(paths['/api/v1/old']?.['get']).toMatchObject({ deprecated: true });
    expect(paths['/api/v1/new']?.['get']).not.toHaveProperty('deprecated');
  });
});
