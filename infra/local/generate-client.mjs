// `npm run generate`: the client's types, from the OpenAPI document of the API as it is now.
import 'reflect-metadata';
import fs from 'node:fs';
import path from 'node:path';
import { generateClient } from './client-types.mjs';
import { build, root } from './prepare.mjs';

build((line) => process.stdout.write(`${line}\n`));
const { openApiDocument } = await import(path.join(root, 'apps/api/dist/server.js'));
fs.writeFileSync(path.join(root, 'libs/client/src/generated/api.ts'), await generateClient(openApiDocument()));
process.stdout.write('libs/client/src/generated/api.ts is new\n');
