import type { Type } from '@nestjs/common';
import { Problem } from '@vouch/contracts';
import { exampleOf, JsonSchemas, type JsonSchema } from './json-schemas.js';
import type { Answer } from './operation.js';
import { declaredRoutes, type DeclaredRoute } from './routes.js';
import { isWrite, problemResponses, problemsOf } from './problems.js';
import { securityOf, securitySchemes } from './security.js';

const TAGS: Readonly<Record<string, string>> = {
  session: 'Who is signed in.',
  console: "The console's read models, live events and evidence.",
  fleet: 'Tenants, machines, enrolment.',
  patches: 'Patches, test runs, verdicts.',
  orders: "What your MSP orders about approvals: its policies' rules, patches that it holds, verdicts that it waives.",
  approvals: 'Channels, approvals, outcomes; is this digest approved for this machine?',
  billing: 'Costs, shares, statements.',
  'api-keys': 'Keys with which programs act for a member.',
  webhooks: 'Events sent to you.',
  device: 'The device protocol (agent).',
  lab: 'The lab protocol (lab-runner).',
  operation: 'Health and metrics.',
};

/** An OpenAPI 3.1 document: plain JSON. */
export type OpenApiDocument = JsonSchema & { readonly paths: Record<string, Record<string, JsonSchema>> };

/** Describes every route of the controllers, from the same schemas that check what comes in. */
export function describeApi(controllers: readonly Type[], sessionCookie: string, serverUrl = '/'): OpenApiDocument {
  const schemas = new JsonSchemas();
  schemas.of(Problem, 'output');
  const paths: Record<string, Record<string, JsonSchema>> = {};
  const routes = declaredRoutes(controllers).sort(
    (a, b) => a.path.localeCompare(b.path) || a.method.localeCompare(b.method),
  );
  for (const route of routes) (paths[route.path] ??= {})[route.method] = operation(route, schemas);
  const answered = new Set(routes.flatMap(problemsOf).map((status) => `Problem${status}`));
  const used = new Set(routes.flatMap((route) => route.tags));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Vouch',
      version: '1.0.0',
      description:
        'Patch approvals that are signed, bound to the tested bytes, and paid for by a fair split. How to authenticate, page, filter, retry and verify webhooks: docs/api.md.',
      license: { name: 'AGPL-3.0-or-later', url: 'https://www.gnu.org/licenses/agpl-3.0.html' },
      contact: { name: 'The operator of this installation' },
    },
    servers: [{ url: serverUrl }],
    tags: [...used].sort().map((name) => ({ name, description: TAGS[name] ?? name })),
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas.components).sort(([a], [b]) => (a < b ? -1 : 1))),
      responses: Object.fromEntries(Object.entries(problemResponses).filter(([name]) => answered.has(name))),
      securitySchemes: securitySchemes(sessionCookie),
      headers: {
        CorrelationId: { description: 'Finds the request in the logs.', schema: { type: 'string' } },
        ETag: {
          description: 'Send it as If-None-Match to be told 304 while nothing changed.',
          schema: { type: 'string' },
        },
        RateLimit: {
          description: 'What is left of the quota (draft-ietf-httpapi-ratelimit-headers-10).',
          schema: { type: 'string' },
        },
      },
    },
  };
}

function operation(route: DeclaredRoute, schemas: JsonSchemas): JsonSchema {
  const { operation: info } = route;
  const answers = Object.entries({ [route.status]: info.answer ?? {}, ...info.more });
  return {
    operationId: info.id,
    summary: info.summary,
    description: info.description ?? `${info.summary}.`,
    tags: route.tags,
    ...(route.deprecation === undefined ? {} : { deprecated: true }),
    security: securityOf(route),
    parameters: [...pathParameters(route, schemas), ...queryParameters(route, schemas), ...headerParameters(route)],
    ...requestBody(route, schemas),
    responses: {
      ...Object.fromEntries(answers.map(([status, answer]) => [status, response(route, answer, schemas)])),
      ...(isCacheable(route) ? { 304: { description: 'Nothing changed since the answer with that ETag.' } } : {}),
      ...Object.fromEntries(
        problemsOf(route).map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]),
      ),
    },
  };
}

const isCacheable = (route: DeclaredRoute): boolean =>
  route.method === 'get' &&
  !route.streams &&
  route.path.startsWith('/api/v1/') &&
  route.operation.answer?.schema !== undefined;

function response(route: DeclaredRoute, answer: Answer, schemas: JsonSchemas): JsonSchema {
  const headers = {
    'X-Correlation-Id': { $ref: '#/components/headers/CorrelationId' },
    ...(route.access === 'public' ? {} : { RateLimit: { $ref: '#/components/headers/RateLimit' } }),
    ...(isCacheable(route) ? { ETag: { $ref: '#/components/headers/ETag' } } : {}),
  };
  const description = answer.description ?? (answer.schema || answer.type ? route.operation.summary : 'Done.');
  if (!answer.schema && !answer.type) return { description, headers };
  const example = answer.example ?? (answer.schema && exampleOf(answer.schema));
  return {
    description,
    headers,
    content: {
      [answer.type ?? 'application/json']: {
        schema: answer.schema ? schemas.of(answer.schema, 'output') : { type: 'string' },
        ...(example === undefined ? {} : { example }),
      },
    },
  };
}

function requestBody(route: DeclaredRoute, schemas: JsonSchemas): JsonSchema {
  const { body, operation: info } = route;
  if (info.takes !== undefined)
    return {
      requestBody: { required: true, content: { [info.takes]: { schema: { type: 'string' }, example: 'log line' } } },
    };
  if (body === undefined) return {};
  const example = exampleOf(body);
  return {
    requestBody: {
      required: true,
      content: {
        'application/json': { schema: schemas.of(body, 'input'), ...(example === undefined ? {} : { example }) },
      },
    },
  };
}

const PATH_NAMES: Readonly<Record<string, string>> = {
  id: 'Id of the thing.',
  sha256: 'SHA-256 of the content.',
  path: 'Path below it.',
};

function pathParameters(route: DeclaredRoute, schemas: JsonSchemas): JsonSchema[] {
  return Object.entries(route.params).map(([name, schema]) => ({
    name,
    in: 'path',
    required: true,
    description: PATH_NAMES[name] ?? `Id: ${name.replace(/Id$/, '')}.`,
    schema: schema ? schemas.of(schema, 'input') : { type: 'string' },
  }));
}

function queryParameters(route: DeclaredRoute, schemas: JsonSchemas): JsonSchema[] {
  if (route.query === undefined) return [];
  const { properties = {}, required = [] } = schemas.of(route.query, 'input') as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, examples: _, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    description: description ?? `Only those with this ${name}.`,
    schema,
  }));
}

function headerParameters(route: DeclaredRoute): JsonSchema[] {
  const header = (name: string, description: string, required = false): JsonSchema => ({
    name,
    in: 'header',
    required,
    description,
    schema: { type: 'string', maxLength: 255 },
  });
  return [
    ...(isCacheable(route) ? [header('If-None-Match', 'ETag of the answer that you have.')] : []),
    ...(isWrite(route)
      ? [
          header(
            'Idempotency-Key',
            'A new random text for each intended change; repeat it when you repeat the request.',
          ),
        ]
      : []),
    ...(route.operation.conditional ? [header('If-Match', 'ETag of the version that you change.')] : []),
  ];
}
