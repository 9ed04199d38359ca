import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAB_TOKEN, organisation, TestApi } from '../integration/api.js';
import { fuzz, positionsOf, type Finding } from './ffuf.js';
import { operationsOf, type OpenApi, type Operation } from './openapi.js';
import { hasTools } from './tool.js';

/** Attack words that wfuzz brings: SQL, shell, LDAP, XML and path injection, overlong and malformed text. */
const WORDS = '/usr/share/wfuzz/wordlist/Injections/All_attack.txt';
const WANTED_REQUESTS = 10_000;
const north = organisation[0];
if (!north) throw new Error('The organisation of the tests is not whole.');

describe.skipIf(!hasTools('ffuf') || !fs.existsSync(WORDS))('10,000 hostile requests from the OpenAPI document', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-fuzz-'));
  let api: TestApi;
  let operations: Operation[];
  let cookie: string;
  beforeAll(async () => {
    api = await TestApi.start();
    operations = operationsOf((await (await api.get('/api/openapi.json')).json()) as OpenApi);
    cookie = await api.signIn(north.technician);
  });
  afterAll(async () => {
    await api.stop();
    fs.rmSync(folder, { recursive: true });
  });

  /** Signing out would leave the rest of the storm outside; a live stream never ends, and a claim is held open. */
  const LEFT_OUT = new Set(['POST /lab/v1/runs/claim', 'DELETE /api/v1/session', 'GET /api/v1/live']);
  const headersOf = (route: string): Record<string, string> =>
    route.startsWith('/lab/') ? { authorization: `Bearer ${LAB_TOKEN}` } : { cookie, 'x-vouch-csrf': '1' };

  it('find no server error, no hang and nothing internal', async () => {
    const positions = operations
      .filter((operation) => !LEFT_OUT.has(`${operation.method} ${operation.path}`))
      .flatMap((operation) => positionsOf(operation, new URL(api.url).host, headersOf(operation.path)));
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
  });
});
