import { createInstance, getHttpOperationsFromSpec, type IHttpConfig } from '@stoplight/prism-http';
import { newId, shared } from '@vouch/platform';
import pino from 'pino';
import { openApiDocument } from '../../apps/api/src/server.js';
import type { Noted } from './audited-writes.js';
import { artefact, ids, type RestFixture } from './rest-fixture.js';

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** A call of an operation, and the status that it must be answered with. */
export interface Call {
  readonly status: number;
  readonly path?: Record<string, string>;
  readonly query?: Record<string, string>;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export const document = JSON.parse(JSON.stringify(openApiDocument('vouch_session'))) as {
  paths: Record<string, Record<Method, { operationId: string }>>;
};
export const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { operationId }]) => ({ path, method: method as Method, operationId })),
);

/**
 * Makes calls one after the other through Prism as a validating proxy.
 * @param described the OpenAPI document that requests and answers are held against
 * @param wanted by operation; a function is asked when its turn comes, after all calls before it
 * @param person headers of calls that bring none
 * @param written takes what each successful write left in the audit trail
 * @returns for each call that was answered otherwise than described, what was wrong
 */
export async function violations(
  rest: RestFixture,
  described: object,
  wanted: Record<string, Call | (() => Call | Promise<Call>)>,
  person: Record<string, string>,
  written: Noted[] = [],
): Promise<unknown[]> {
  const config: IHttpConfig = {
    isProxy: true,
    upstream: new URL(rest.api.url),
    checkSecurity: true,
    validateRequest: true,
    validateResponse: true,
    errors: true,
    upstreamProxy: undefined,
    mock: { dynamic: false },
  };
  // It resolves references in place.
  const http = await getHttpOperationsFromSpec(JSON.parse(JSON.stringify(described)) as object);
  const prism = createInstance(config, { logger: pino({ level: 'silent' }) });
  const wrong: unknown[] = [];
  const entriesAfter = (seq: number): Promise<Noted['entries'][number][]> =>
    rest.api.database.platform.read(shared, 'select * from platform_audit where seq > $1 order by seq', [seq]);
  for (const [operationId, given] of Object.entries(wanted)) {
    const operation = operations.find((each) => each.operationId === operationId);
    if (operation === undefined) continue;
    const call = typeof given === 'function' ? await given() : given;
    const last = (await entriesAfter(0)).at(-1)?.seq ?? 0;
    const path = operation.path.replace(/\{(\w+)\}/g, (_match, name: string) => call.path?.[name] ?? '');
    const json: Record<string, string> =
      call.body === undefined || call.headers?.['content-type'] ? {} : { 'content-type': 'application/json' };
    const result = await prism.request(
      {
        method: operation.method,
        url: { path, query: call.query ?? {} },
        headers: { 'user-agent': 'walk/1.0', ...json, ...(call.headers ?? person) },
        ...(call.body === undefined ? {} : { body: call.body }),
      },
      http,
    )();
    if (result._tag === 'Left') {
      wrong.push([operationId, result.left.message]);
      continue;
    }
    const { output, validations } = result.right;
    const found = [...validations.input, ...validations.output].map(
      ({ message, path: at }) => `${at?.join('.')} ${message}`,
    );
    if (output.statusCode !== call.status || found.length > 0)
      wrong.push([operationId, output.statusCode, found, output.body]);
    if (operation.method !== 'get' && output.statusCode < 300)
      written.push({ operationId, entries: await entriesAfter(last) });
  }
  return wrong;
}

/** What a lab-runner reports of a run in which there was nothing to see. */
export const nothingSeen = (golden: string) => ({
  driver: 'sandbox',
  fidelity: 'full',
  capabilities: [],
  goldenDigest: golden,
  plan: { name: 'plan', steps: ['baseline'] },
  tested: [],
  steps: [],
  packageDiff: [],
  fileDiff: [],
  failure: null,
  labMilliseconds: 1,
});

/** Something for the lab to claim. @returns the run's id */
export async function queueRun(rest: RestFixture, golden: string, plan = 'other'): Promise<string> {
  const run = newId();
  await rest.api.database.platform.transaction(shared, async (tx) => {
    await tx.query(
      `insert into lab_test_run (id, revision_id, profile_digest, golden_digest, plan_digest, plan, correlation_id, priority)
       select $1, $2, profile_digest, $3, $4, '{"name": "plan", "steps": ["baseline"]}', 'test', 9 from lab_test_run where id = $5`,
      [run, ids.revision, golden, plan, ids.run],
    );
    await tx.query(
      `insert into lab_test_run_artefact (run_id, package, version, architecture, file_name, size_bytes, sha256)
       values ($1, 'web', '2', 'amd64', 'pool/web.deb', 5, $2)`,
      [run, artefact.sha256],
    );
  });
  return run;
}
