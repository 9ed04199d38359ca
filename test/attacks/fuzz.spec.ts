import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { keyActionsOf, registerOperator } from '@vouch/identity';
import { idOf, shared } from '@vouch/platform';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAB_TOKEN, METRICS_TOKEN, organisation, TestApi } from '../integration/api.js';
import { fuzz, positionsOf, type Finding } from './ffuf.js';
import { ownedBy, providerOf, type Owned } from './id-providers.js';
import { introduce } from './lab-scene.js';
import { operationsOf, type OpenApi, type Operation } from './openapi.js';
import { hasTools } from './tool.js';

/** Attack words that wfuzz brings: SQL, shell, LDAP, XML and path injection, overlong and malformed text. */
const WORDS = '/usr/share/wfuzz/wordlist/Injections/All_attack.txt';
/** `npm test` sends some; `npm run test:fuzz` sends them all. */
const WANTED_REQUESTS = process.env['VOUCH_FUZZ'] === 'all' ? 10_000 : 2_000;
const OPERATOR = 'root@installation.example';
const [north] = organisation;
const [one] = north?.tenants ?? [];
if (!north || !one) throw new Error('The organisation of the tests is not whole.');

type Headers = Readonly<Record<string, string>>;

describe.skipIf(!hasTools('ffuf') || !fs.existsSync(WORDS))(
  `${WANTED_REQUESTS} hostile requests from the OpenAPI document`,
  () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-fuzz-'));
    let api: TestApi;
    let owner: pg.Client;
    let operations: Operation[];
    let callers: Headers[];
    beforeAll(async () => {
      api = await TestApi.start();
      owner = new pg.Client({ connectionString: api.database.ownerUrl });
      await owner.connect();
      await owner.query(`set session_replication_role = 'replica'`);
      await api.database.platform.transaction(shared, (tx) =>
        registerOperator(tx, { id: idOf(OPERATOR), email: OPERATOR, name: 'Root' }, new Date()),
      );
      await introduce(api);
      const owned = await ownedBy(api, owner, one.id, north.technician);
      const described = operationsOf((await (await api.get('/api/openapi.json')).json()) as OpenApi);
      operations = await Promise.all(
        described
          .filter(({ method, path: route }) => !LEFT_OUT.has(`${method} ${route}`))
          .map((operation) => withIdsOf(owned, operation)),
      );
      callers = await Promise.all([
        ...[north.boss, north.technician, one.owner, OPERATOR].map(async (email) => ({
          cookie: await api.signIn(email),
          'x-vouch-csrf': '1',
        })),
        keyOf(north.boss),
      ]);
    });
    afterAll(async () => {
      await owner.end();
      await api.stop();
      fs.rmSync(folder, { recursive: true });
    });

    /** These end the sessions that the rest goes on with, never end themselves, or are held open. */
    const LEFT_OUT = new Set([
      'POST /lab/v1/runs/claim',
      'GET /api/v1/live',
      'DELETE /api/v1/session',
      'DELETE /api/v1/account/sessions',
      'DELETE /api/v1/members/{id}',
      'PATCH /api/v1/members/{id}',
    ]);

    /** The operation with ids of things that there are, so that its handler finds something to work on. */
    async function withIdsOf(owned: Owned, operation: Operation): Promise<Operation> {
      const { method, path: route } = operation;
      const parameters = [];
      for (const parameter of operation.parameters) {
        const provider = parameter.in === 'path' ? providerOf(`${method} ${route} ${parameter.name}`) : undefined;
        const value = provider !== undefined && 'of' in provider ? await provider.of(owned) : parameter.value;
        parameters.push({ ...parameter, value });
      }
      return { ...operation, parameters };
    }

    async function keyOf(email: string): Promise<Headers> {
      const actions = keyActionsOf({ role: 'msp-owner', actions: null });
      const headers = { cookie: await api.signIn(email), 'x-vouch-csrf': '1' };
      const answer = await api.post('/api/v1/api-keys', { name: 'fuzz', actions, expiresInDays: 1 }, headers);
      return { authorization: `Bearer ${((await answer.json()) as { key: string }).key}` };
    }

    /** How often each route was answered with each status, as the server itself counts. */
    async function answers(): Promise<{ route: string; status: number; count: number }[]> {
      const text = await (await api.get('/metrics', { authorization: `Bearer ${METRICS_TOKEN}` })).text();
      return [...text.matchAll(/^vouch_http_request_duration_seconds_count\{(.*)\} (\d+)$/gm)].map(
        ([, labels = '', count]) => {
          const label = (name: string): string => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
          return {
            route: `${label('method')} ${label('route')}`,
            status: Number(label('status')),
            count: Number(count),
          };
        },
      );
    }

    it('find no server error, no hang and nothing internal', async () => {
      const as = (route: string, n: number): Headers =>
        route.startsWith('/lab/') ? { authorization: `Bearer ${LAB_TOKEN}` } : (callers[n % callers.length] ?? {});
      const { host } = new URL(api.url);
      const positions = operations.flatMap((operation) =>
        positionsOf(operation, host, {}).flatMap(
          (_, n) => positionsOf(operation, host, as(operation.path, n))[n] ?? [],
        ),
      );
      const words = fs.readFileSync(WORDS, 'latin1').split('\n').filter(Boolean);
      const perPosition = Math.min(words.length, Math.ceil(WANTED_REQUESTS / positions.length));
      const findings: Finding[] = [];
      let [sent, unanswered] = [0, 0];
      for (const [index, position] of positions.entries()) {
        // Each position gets another stretch of the list, so that all words are used.
        const start = (index * perPosition) % words.length;
        const stretch = [...words, ...words].slice(start, start + perPosition);
        const result = await fuzz(folder, position, stretch);
        findings.push(...result.findings);
        sent += result.sent;
        unanswered += result.unanswered;
      }
      expect(findings).toEqual([]);
      expect(unanswered).toBe(0);
      expect(sent).toBeGreaterThanOrEqual(WANTED_REQUESTS);
      expect((await api.get('/health/ready')).status).toBe(200);

      const counted = await answers();
      const sum = (all: typeof counted): number => all.reduce((total, { count }) => total + count, 0);
      expect(counted.filter(({ status }) => status >= 500)).toEqual([]);
      expect(sum(counted)).toBeGreaterThanOrEqual(WANTED_REQUESTS);
      // Handlers were reached, not only the guard.
      const served = counted.filter(({ status }) => status >= 200 && status < 300);
      expect(sum(served) / sum(counted)).toBeGreaterThan(0.1);
      expect(new Set(served.map(({ route }) => route)).size).toBeGreaterThan(operations.length / 3);
    });
  },
);
