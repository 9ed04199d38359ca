import 'reflect-metadata';
import { Controller, Get } from '@nestjs/common';
import { Spectral } from '@stoplight/spectral-core';
import { describe, expect, it } from 'vitest';
import { Access } from '../../apps/api/src/access/access.js';
import { describeApi } from '../../apps/api/src/openapi/document.js';
import { openApiDocument } from '../../apps/api/src/server.js';
import rules from './rules.mjs';

const lint = async (document: unknown): Promise<string[]> => {
  const spectral = new Spectral();
  spectral.setRuleset(rules as never);
  return (await spectral.run(document as Record<string, unknown>)).map(
    ({ code, path, message }) => `${code} ${path.join('.')}: ${message}`,
  );
};

describe('the OpenAPI document', () => {
  it('has nothing that Spectral or our rules find', async () => {
    expect(await lint(JSON.parse(JSON.stringify(openApiDocument())))).toEqual([]);
  });

  it.each<[string, (operation: Described) => void, string]>([
    ['an operation without an id', (operation) => delete operation.operationId, 'operation-operationId'],
    [
      'an answer without an example',
      ({ responses }) => delete responses['200']?.content?.['application/json']?.example,
      'vouch-examples',
    ],
    ['an operation that does not say how it refuses', ({ responses }) => delete responses['429'], 'vouch-problems'],
  ])('would not pass with %s', async (_what, spoil, rule) => {
    const document = JSON.parse(JSON.stringify(openApiDocument())) as { paths: Record<string, { get: Described }> };
    const operation = document.paths['/api/v1/devices']?.get;
    if (operation === undefined) throw new Error('The list of devices is gone.');
    spoil(operation);
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

interface Described {
  operationId?: string;
  responses: Record<string, { content?: Record<string, { example?: unknown }> }>;
}
