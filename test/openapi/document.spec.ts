import 'reflect-metadata';
import { Controller, Get } from '@nestjs/common';
import { Spectral } from '@stoplight/spectral-core';
import { describe, expect, it } from 'vitest';
import { Access } from '../../apps/api/src/access/access.js';
import { describeApi, type OpenApiDocument } from '../../apps/api/src/openapi/document.js';
import { openApiDocument } from '../../apps/api/src/server.js';
import rules from './rules.mjs';

const lint = async (document: unknown): Promise<string[]> => {
  const spectral = new Spectral();
  spectral.setRuleset(rules as never);
  return (await spectral.run(document as object)).map(
    ({ code, path, message }) => `${code} ${path.join('.')}: ${message}`,
  );
};

describe('the OpenAPI document', () => {
  it('has nothing that Spectral or our rules find', async () => {
    expect(await lint(JSON.parse(JSON.stringify(openApiDocument())))).toEqual([]);
  });

  it.each<[string, (document: OpenApiDocument) => void, string]>([
    [
      'an operation without an id',
      (d) => delete d.paths['/api/v1/devices']?.['get']?.['operationId'],
      'vouch-operation-id',
    ],
    [
      'an answer without an example',
      (d) =>
        delete (d as never as Content).paths['/api/v1/devices'].get.responses['200'].content['application/json']
          .example,
      'vouch-examples',
    ],
    [
      'an operation that does not say how it refuses',
      (d) => delete (d as never as Content).paths['/api/v1/devices'].get.responses['429'],
      'vouch-problems',
    ],
  ])('would not pass with %s', async (_what, spoil, rule) => {
    const document = JSON.parse(JSON.stringify(openApiDocument())) as OpenApiDocument;
    spoil(document);
    expect((await lint(document)).join('\n')).toContain(rule);
  });

  it('shows routes that nobody has described, so that the rules find them', async () => {
    @Controller('api/v1/forgotten')
    class Forgotten {
      @Get()
      @Access('public')
      read(): string {
        return '';
      }
    }
    expect((await lint(JSON.parse(JSON.stringify(describeApi([Forgotten]))))).join('\n')).toContain('vouch-summary');
  });
});

interface Content {
  paths: Record<
    string,
    { get: { responses: Record<string, { content: Record<string, { example?: unknown }> } | undefined> } }
  >;
}
