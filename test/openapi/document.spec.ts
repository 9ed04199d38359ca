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

  it('would not pass with an operation without an id, an answer without an example, or silence about refusals', async () => {
    const spoilt: Record<string, (operation: Described) => void> = {
      'operation-operationId': (operation) => delete operation.operationId,
      'vouch-examples': ({ responses }) => delete responses['200']?.content?.['application/json']?.example,
      'vouch-problems': ({ responses }) => delete responses['429'],
    };
    const document = JSON.parse(JSON.stringify(openApiDocument())) as { paths: Record<string, { get: Described }> };
    const devices = document.paths['/api/v1/devices'];
    if (devices === undefined) throw new Error('The list of devices is gone.');
    document.paths = {};
    for (const [rule, spoil] of Object.entries(spoilt)) {
      const path = structuredClone(devices);
      spoil(path.get);
      document.paths[`/api/v1/${rule}`] = path;
    }
    const found = await lint(document);
    for (const rule of Object.keys(spoilt))
      expect(found).toContainEqual(expect.stringMatching(`^${rule} paths./api/v1/${rule}.get`));
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
    expect((await lint(JSON.parse(JSON.stringify(describeApi([Forgotten], 'session'))))).join('\n')).toContain(
      'vouch-summary',
    );
  });
});

interface Described {
  operationId?: string;
  responses: Record<string, { content?: Record<string, { example?: unknown }> }>;
}
