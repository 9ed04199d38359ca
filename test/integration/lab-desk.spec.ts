import type { AuditPage, LabQueue, Overview } from '@vouch/contracts';
import { LeaseLost, RunnerRegistry, RunQueue } from '@vouch/lab';
import { idOf, newId, sha256Hex, shared } from '@vouch/platform';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ids, msp, RestFixture, tenants } from './rest-fixture.js';

const GOLDEN = 'b'.repeat(64);
const later = idOf('a later revision of the same patch');

describe("the lab's desk", () => {
  let rest: RestFixture;
  let operator: Record<string, string>;
  let registry: RunnerRegistry;
  let queue: RunQueue;
  let runnerId: string;
  /** The one run that waits when a test begins. */
  let run: string;

  const send = (method: string, route: string, body?: unknown, headers = operator): Promise<Response> =>
    fetch(`${rest.api.url}/api/v1${route}`, {
      method,
      headers: {
        ...headers,
        'x-vouch-csrf': '1',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const read = async (): Promise<LabQueue> => (await (await send('GET', '/lab/queue')).json()) as LabQueue;
  const write = (sql: string, ...values: unknown[]): Promise<{ state: string }[]> =>
    rest.api.database.platform.transaction(shared, (tx) => tx.query(sql, values));
  const stateOf = async (): Promise<string | undefined> =>
    (await write('select state from lab_test_run where id = $1', run))[0]?.state;

  beforeAll(async () => {
    rest = await RestFixture.start();
    operator = await rest.operator();
    registry = new RunnerRegistry(rest.api.database.app, () => new Date());
    queue = new RunQueue(rest.api.database.app, () => new Date(), 30);
    const driver = { name: 'sandbox', fidelity: 'full' as const, capabilities: ['packages' as const], capacity: 1 };
    ({ runnerId } = await registry.welcome('desk', { name: 'desk', drivers: [driver] }, 'test'));
    await registry.reportGolden(
      runnerId,
      {
        profileDigest: sha256Hex('something'),
        digest: GOLDEN,
        state: 'ready',
        components: [],
        services: [],
        buildMilliseconds: 1,
      },
      'test',
    );
  });
  afterAll(() => rest.stop());
  beforeEach(async () => {
    run = newId();
    await write(`update lab_test_run set state = 'judged' where golden_digest = $1`, GOLDEN);
    await write(
      `insert into lab_test_run (id, revision_id, profile_digest, golden_digest, plan_digest, plan, state, correlation_id, urgency, priority, origins)
       values ($1, $2, $3, $4, $1::uuid::text, '{"name":"plan","steps":["baseline"]}', 'queued', 'test', 1, 12, array[$1::uuid])`,
      run,
      ids.revision,
      sha256Hex('something'),
      GOLDEN,
    );
  });

  it('shows what waits, what is tested, and how much room each host has', async () => {
    const before = await read();
    expect(before.waiting).toBe(1);
    expect(before.runs[0]).toMatchObject({ id: run, patch: 'web', state: 'queued', urgency: 'security', machines: 12 });
    await queue.claim(runnerId);
    const after = await read();
    expect(after.runs[0]).toMatchObject({ id: run, state: 'leased', runner: 'desk' });
    expect(after.hosts.find(({ name }) => name === 'desk')?.drivers).toEqual([
      { name: 'sandbox', fidelity: 'full', capacity: 1, busy: 1 },
    ]);
  });

  it('calls a run off: its runner drops it at the next sign of life, and no verdict comes of it', async () => {
    const job = await queue.claim(runnerId);
    expect(job?.runId).toBe(run);
    expect((await send('POST', `/runs/${run}/cancel`, { why: 'The vendor has withdrawn it' })).status).toBe(204);
    await expect(queue.heartbeat(runnerId, run, job?.attempt ?? 0)).rejects.toBeInstanceOf(LeaseLost);
    const observations = { failure: null } as never;
    await expect(
      queue.report(runnerId, run, { attempt: job?.attempt ?? 0, observations, evidence: [] }),
    ).rejects.toBeInstanceOf(LeaseLost);
    expect(await stateOf()).toBe('cancelled');
    expect(await queue.recoverLostLeases()).toBe(0);
    expect(await queue.claim(runnerId)).toBeNull();
    expect((await send('POST', `/runs/${run}/cancel`, { why: 'again' })).status).toBe(409);
  });

  it('takes that back: the run is given out once more, under a new attempt', async () => {
    const first = await queue.claim(runnerId);
    await send('POST', `/runs/${run}/cancel`, { why: 'The wrong one' });
    expect((await send('POST', `/runs/${run}/resume`)).status).toBe(204);
    const second = await queue.claim(runnerId);
    expect([second?.runId, second?.attempt]).toEqual([run, (first?.attempt ?? 0) + 1]);
    expect((await send('POST', `/runs/${run}/resume`)).status).toBe(409);
  });

  it('has a judged run done again, and no other', async () => {
    expect((await send('POST', `/runs/${run}/repeat`)).status).toBe(409);
    await write(`update lab_test_run set state = 'judged' where id = $1`, run);
    expect((await send('POST', `/runs/${run}/repeat`)).status).toBe(204);
    expect(await write('select 1 from lab_test_run where id = $1 and repeat_asked_at is not null', run)).toHaveLength(
      1,
    );
    expect((await send('POST', `/runs/${idOf('no run')}/repeat`)).status).toBe(404);
  });

  it('lets a patch for a known hole go first, also in its later revisions', async () => {
    expect((await send('PUT', `/patches/${ids.revision}/exploited`, { note: 'Seen in the wild' })).status).toBe(204);
    expect((await read()).exploited).toMatchObject([{ patch: 'web', sourceId: 'source', note: 'Seen in the wild' }]);
    await write(
      `insert into catalog_revision (id, patch_id, version, metadata_sha256, artefacts_sha256, first_snapshot, last_snapshot)
       values ($1, $2, '3', 'later', 'later', $3, $3) on conflict do nothing`,
      later,
      ids.patch,
      ids.snapshot,
    );
    const woken = await write(
      `select payload ->> 'revisionId' as state from platform_outbox where topic = 'catalog.urgency-changed'`,
    );
    expect(woken.map(({ state }) => state)).toContain(ids.revision);
    expect((await send('DELETE', `/patches/${later}/exploited`)).status).toBe(204);
    expect((await read()).exploited).toEqual([]);
  });

  it('is for those who run the installation alone, and each act is in the audit trail', async () => {
    await send('POST', `/runs/${run}/cancel`, { why: 'because' });
    for (const who of [msp.boss, msp.technician, tenants.one.owner]) {
      const headers = await rest.person(who);
      for (const [method, route, body] of [
        ['GET', '/lab/queue'],
        ['POST', `/runs/${run}/cancel`, { why: 'x' }],
        ['POST', `/runs/${run}/resume`],
        ['POST', `/runs/${run}/repeat`],
        ['PUT', `/patches/${ids.revision}/exploited`, { note: 'x' }],
        ['DELETE', `/patches/${ids.revision}/exploited`],
      ] as const)
        expect((await send(method, route, body, headers)).status, `${who} ${method} ${route}`).toBe(403);
    }
    const trail = (await (await send('GET', '/audit?order=newest&limit=200')).json()) as AuditPage;
    const acts = trail.items.map(({ action, why }) => `${action} ${why}`);
    expect(acts).toEqual(
      expect.arrayContaining([
        'run.cancelled because',
        'run.resumed wanted after all',
        'run.asked-again wanted once more',
        'patch.marked-exploited Seen in the wild',
        'patch.unmarked-exploited the danger is over',
      ]),
    );
  });

  it('tells whoever waits for the patch that its test was called off, and why, and keeps what is approved', async () => {
    const seen = async (): Promise<unknown> => {
      const answer = await send('GET', '/overview', undefined, await rest.person(msp.technician));
      return ((await answer.json()) as Overview).patches[0];
    };
    await write(`update lab_test_run set queued_at = now() + interval '1 minute' where id = $1`, run);
    await send('POST', `/runs/${run}/cancel`, { why: 'The vendor has withdrawn it' });
    expect(await seen()).toMatchObject({ stage: 'rolling-out', reason: 'It passed.' });
    await write(`update approval_decision set outcome = 'waiting' where revision_id = $1`, ids.revision);
    expect(await seen()).toMatchObject({
      stage: 'needed',
      reason: 'Its test was called off: The vendor has withdrawn it',
    });
  });

  it('says the same of a run that nobody has as of none', async () => {
    const nobody = idOf('no run');
    expect((await send('POST', `/runs/${nobody}/cancel`, { why: 'x' })).status).toBe(404);
    expect((await send('PUT', `/patches/${nobody}/exploited`, { note: 'x' })).status).toBe(404);
  });
});
