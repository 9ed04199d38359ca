import 'reflect-metadata';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openApiDocument } from '../../apps/api/src/server.js';
import { generateClient } from '../../infra/local/client-types.mjs';

it('the types of the client are those of the API (otherwise: npm run generate)', async () => {
  const file = path.resolve(import.meta.dirname, '../../libs/client/src/generated/api.ts');
  expect(await generateClient(openApiDocument())).toBe(fs.readFileSync(file, 'utf8'));
});
