import path from 'node:path';
import type { LabJob, RunObservations } from '@vouch/contracts';
import { openFileSigner, type Signer } from '@vouch/evidence';
import {
  listLabRunnerCredentials,
  makeLabRunnerCredential,
  registerLabRunnerCredential,
  revokeLabRunnerCredential,
} from '@vouch/identity';
import { IssueVerdictStage, RunQueue, verdict } from '@vouch/lab';
import { shared, type Tx } from '@vouch/platform';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApi } from '../integration/api.js';
import { AS_RUNNER, claim, flawless, introduce, queueRun } from './lab-scene.js';
import { operationsOf, type OpenApi } from './openapi.js';

const OTHER_TOKEN = `vl_${'o'.repeat(40)}`;
const AS_OTHER = { authorization: `Bearer ${OTHER_TOKEN}` };

describe('a stolen lab-runner cannot forge an approval', () => {
  let api: TestApi;
  let owner: pg.Client;
  let signer: Signer;
  let stage: IssueVerdictStage;

  /** Everything that could be mistaken for an approval. */
  const approvals = async (): Promise<unknown> =>
    (
      await owner.query(`select (select count(*)::int from lab_verdict) as verdicts,
        (select count(*)::int from approval_approval) as approvals, (select count(*)::int from approval_decision) as decisions,
        (select count(*)::int from approval_channel) as channels, (select count(*)::int from rollout_ring) as rings,
        (select count(*)::int from approval_policy) as policies, (select count(*)::int from identity_session) as sessions`)
    ).rows[0];
  const report = (job: LabJob, observations: RunObservations, headers = AS_RUNNER, attempt = job.attempt) =>
    api.post(`/lab/v1/runs/${job.runId}/report`, { attempt, observations, evidence: [] }, headers);

  beforeAll(async () => {
    api = await TestApi.start();
    owner = new pg.Client({ connectionString: api.database.ownerUrl });
    await owner.connect();
    signer = await openFileSigner(path.join(api.dataDir, 'keys/verdict.pem'));
    const clock = (): Date => new Date();
    const { platform } = api.database;
    stage = new IssueVerdictStage(platform, new RunQueue(platform, clock, 10), signer, clock, 30);
    await platform.transaction(shared, (tx) => registerLabRunnerCredential(tx, 'other', OTHER_TOKEN, new Date()));
  });
  afterAll(async () => {
    await owner.end();
    await api.stop();
  });

  it('with its credential at every route: people, devices and everything that decides stay closed', async () => {
    await introduce(api);
    const before = await approvals();
    const document = (await (await api.get('/api/openapi.json')).json()) as OpenApi;
    const open: string[] = [];
    for (const { method, path: route, body, parameters } of operationsOf(document)) {
      // Held open for seconds when there is nothing to take.
      if (route === '/lab/v1/runs/claim') continue;
      const url = parameters.reduce(
        (text, { name, value }) => text.replace(`{${name}}`, encodeURIComponent(value)),
        route,
      );
      const response = await fetch(api.url + url, {
        method,
        headers: { ...AS_RUNNER, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      await response.arrayBuffer();
      if (response.ok) open.push(`${method} ${route}`);
    }
    const forEverybody =
      /^(GET \/health\/|GET \/agent\/|GET \/device\/v1\/trust\/|POST \/api\/v1\/(password-reset|session\/passkey\/options)$)/;
    const itsOwn = /^(POST|PUT|GET) \/lab\/v1\//;
    expect(open.filter((route) => !forEverybody.test(route) && !itsOwn.test(route))).toEqual([]);
    expect(open.filter((route) => itsOwn.test(route)).length).toBeGreaterThan(0);
    expect(await approvals()).toEqual(before);
  });

  it('with a report for a run that it does not lease: refused, and nothing is kept', async () => {
    const { runId } = await queueRun(owner, 'leased-by-nobody');
    await introduce(api);
    const job = {
      runId,
      attempt: 1,
      plan: { steps: [] },
      artefacts: [],
      goldenDigest: 'a'.repeat(64),
    } as never as LabJob;
    const observations = { ...flawless(job), plan: (await run(runId)).plan } as RunObservations;
    expect((await report(job, observations)).status).toBe(409);
    const taken = await claim(api);
    expect(taken.runId).toBe(runId);
    await introduce(api, AS_OTHER);
    expect((await report(taken, flawless(taken), AS_OTHER)).status).toBe(409);
    expect((await report(taken, flawless(taken), AS_RUNNER, taken.attempt + 1)).status).toBe(409);
    expect((await run(runId)).observations).toBeNull();
    expect((await report(taken, flawless(taken))).status).toBe(204);
    // What was said once cannot be said otherwise later.
    await report(taken, { ...flawless(taken), labMilliseconds: 1 });
    expect((await run(runId)).observations).toMatchObject({ labMilliseconds: 9000 });
  });

  it('with evidence under the address of other bytes: refused', async () => {
    await queueRun(owner, 'has-evidence');
    await introduce(api);
    const job = await claim(api);
    const response = await fetch(`${api.url}/lab/v1/evidence/${'b'.repeat(64)}`, {
      method: 'PUT',
      body: 'nothing went wrong',
      headers: { ...AS_RUNNER, 'content-type': 'application/octet-stream' },
    });
    expect(response.status).toBe(422);
    // What is not reported would be taken by the next test.
    expect((await report(job, flawless(job))).status).toBe(204);
  });

  it('ends: by command, by time, and when another takes its place, also under the same name', async () => {
    const { platform } = api.database;
    const write = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => platform.transaction(shared, work);
    const hello = async (secret: string): Promise<number> =>
      (await api.post('/lab/v1/hello', { name: 'lab', drivers: [] }, { authorization: `Bearer ${secret}` })).status;
    const now = new Date();
    const old = await write((tx) => makeLabRunnerCredential(tx, 'third', now, null));
    expect(await hello(old)).not.toBe(401);
    const secret = await write((tx) => makeLabRunnerCredential(tx, 'third', now, 30));
    expect([await hello(old), (await hello(secret)) === 401]).toEqual([401, false]);
    // Whoever seeds the old one again does not bring it back.
    await write((tx) => registerLabRunnerCredential(tx, 'third', old, now));
    expect(await hello(old)).toBe(401);

    const late = await write((tx) => makeLabRunnerCredential(tx, 'fourth', now, 1));
    await owner.query(`update identity_machine_credential set expires_at = now() where name = 'fourth'`);
    expect(await hello(late)).toBe(401);

    const last = await write((tx) => makeLabRunnerCredential(tx, 'fifth', now, null));
    expect(await hello(last)).not.toBe(401);
    const used = (await write((tx) => listLabRunnerCredentials(tx, now))).filter(({ name }) => name === 'fifth');
    expect(used).toEqual([expect.objectContaining({ state: 'active', lastUsedAt: expect.any(Date) as Date })]);
    expect(await write((tx) => revokeLabRunnerCredential(tx, 'fifth', now))).toBe(true);
    expect(await write((tx) => revokeLabRunnerCredential(tx, 'fifth', now))).toBe(false);
    expect(await hello(last)).toBe(401);
    const { rows } = await owner.query(
      `select action, count(*)::int as n from platform_audit where subject = 'lab-credential:fifth' group by 1 order by 1`,
    );
    expect(rows).toEqual([
      { action: 'lab-credential.add', n: 1 },
      { action: 'lab-credential.revoke', n: 1 },
    ]);
  });

  it.each([
    ['that is whole', (same: RunObservations) => same, 'pass'],
    [
      'about other bytes',
      (o: RunObservations) => ({ ...o, tested: o.tested.map((a) => ({ ...a, sha256: 'c'.repeat(64) })) }),
      'inconclusive',
    ],
    [
      'about more than it was given',
      (o: RunObservations) => ({ ...o, tested: [...o.tested, ...o.tested.map((a) => ({ ...a, package: 'more' }))] }),
      'inconclusive',
    ],
    ['about another golden', (o: RunObservations) => ({ ...o, goldenDigest: 'd'.repeat(64) }), 'inconclusive'],
    ['without a step', (o: RunObservations) => ({ ...o, steps: o.steps.slice(0, -1) }), 'inconclusive'],
    [
      'by another plan',
      (o: RunObservations) => ({ ...o, plan: { ...o.plan, steps: o.plan.steps.slice(0, 1) } }),
      'inconclusive',
    ],
    [
      'with a verdict slipped in',
      (o: RunObservations) => ({ ...o, result: 'pass', verdict: 'pass', tested: [] }),
      'inconclusive',
    ],
  ] as const)(
    'with a pass %s: the verdict is what the pure function says of what was reported',
    async (name, change, result) => {
      const before = await approvals();
      const { runId } = await queueRun(owner, name.replaceAll(' ', '-'));
      await introduce(api);
      const job = await claim(api);
      expect(job.runId).toBe(runId);
      const observations = change(flawless(job)) as RunObservations;
      expect((await report(job, observations)).status).toBe(204);
      await stage.process(runId);
      const { rows } = await owner.query<{ result: string; reasons: string[] }>(
        'select result, reasons from lab_verdict where run_id = $1',
        [runId],
      );
      const request = { artefacts: job.artefacts, goldenDigest: job.goldenDigest, plan: job.plan };
      const judged = verdict(observations, request);
      expect(rows).toEqual([{ result: judged.result, reasons: judged.reasons }]);
      expect(judged.result).toBe(result);
      expect(await approvals()).toEqual({
        ...(before as object),
        verdicts: (before as { verdicts: number }).verdicts + 1,
      });
    },
  );

  async function run(id: string): Promise<Record<string, unknown>> {
    return (
      (await owner.query<Record<string, unknown>>('select plan, observations from lab_test_run where id = $1', [id]))
        .rows[0] ?? {}
    );
  }
});
