import { LeaseLost, RunnerRegistry, RunQueue, WatchRuns } from '@vouch/lab';
import { newId, sha256Hex, shared } from '@vouch/platform';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ids, msp, RestFixture } from './rest-fixture.js';

const GOLDEN = 'c'.repeat(64);

/** Server-sent events of an answer, one after the other. */
async function* eventsOf(response: Response): AsyncGenerator<{ id: string; event: string; data: string }> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
      yield { id: field('id'), event: field('event'), data: field('data') };
    }
  }
}

describe('watching a test run', () => {
  let rest: RestFixture;
  let technician: Record<string, string>;
  let queue: RunQueue;
  let watch: WatchRuns;
  let runnerId: string;
  let run: string;
  let attempt: number;

  const write = (sql: string, ...values: unknown[]): Promise<{ n: number }[]> =>
    rest.api.database.platform.transaction(shared, (tx) => tx.query(sql, values));
  const kept = async (): Promise<number> =>
    (await write('select count(*)::int as n from lab_run_output where run_id = $1', run))[0]?.n ?? 0;
  const open = (headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${rest.api.url}/api/v1/runs/${run}/output`, { headers: { ...technician, ...headers } });
  const say = (text: string): Promise<void> => watch.add(runnerId, run, { attempt, step: 'apply', text });
  const report = { observations: { failure: null } as never, evidence: [] };

  beforeAll(async () => {
    rest = await RestFixture.start();
    technician = await rest.person(msp.technician);
    const { app } = rest.api.database;
    queue = new RunQueue(app, () => new Date(), 30);
    watch = new WatchRuns(app);
    const registry = new RunnerRegistry(app, () => new Date());
    const driver = { name: 'sandbox', fidelity: 'full' as const, capabilities: ['packages' as const] };
    ({ runnerId } = await registry.welcome('watched', { name: 'watched', drivers: [driver] }, 'test'));
    const golden = { digest: GOLDEN, state: 'ready' as const, components: [], services: [], buildMilliseconds: 1 };
    await registry.reportGolden(runnerId, { ...golden, profileDigest: sha256Hex('something') }, 'test');
  });
  afterAll(() => rest.stop());
  beforeEach(async () => {
    run = newId();
    await write(`update lab_test_run set state = 'judged' where golden_digest = $1`, GOLDEN);
    await write(
      `insert into lab_test_run (id, revision_id, profile_digest, golden_digest, plan_digest, plan, state, correlation_id)
       values ($1, $2, $3, $4, $1::uuid::text, '{"name":"plan","steps":["baseline"]}', 'queued', 'test')`,
      run,
      ids.revision,
      sha256Hex('something'),
      GOLDEN,
    );
    const job = await queue.claim(runnerId);
    expect(job?.runId).toBe(run);
    attempt = job?.attempt ?? 0;
  });

  it('shows what the machine prints when it prints it, as plain text, until the run has ended', async () => {
    await say('Reading package lists...\n');
    const answer = await open();
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    const told: string[] = [];
    for await (const { event, data } of eventsOf(answer)) {
      if (event === 'end') break;
      if (event !== 'output') continue;
      told.push((JSON.parse(data) as { text: string }).text);
      if (told.length === 1) await say('\u001b[1mSetting up <img src=x onerror=alert(1)>\u001b[0m\n');
      if (told.length === 2) await queue.report(runnerId, run, { attempt, ...report });
    }
    expect(told).toEqual(['Reading package lists...\n', 'Setting up <img src=x onerror=alert(1)>\n']);
    expect(await kept()).toBe(0);
  });

  it('goes on after the piece that was seen last', async () => {
    for (const text of ['one\n', 'two\n', 'three\n']) await say(text);
    const first: string[] = [];
    for await (const { event, id } of eventsOf(await open())) {
      if (event === 'output') first.push(id);
      if (first.length === 3) break;
    }
    for await (const { event, data } of eventsOf(await open({ 'last-event-id': first[1] ?? '' }))) {
      if (event !== 'output') continue;
      expect((JSON.parse(data) as { text: string }).text).toBe('three\n');
      break;
    }
  });

  it('keeps the newest pieces only, and nothing of what is no text', async () => {
    for (let i = 0; i < 130; i++) await say(`line ${i}\n`);
    await say('\u0000\u0007');
    expect(await kept()).toBe(100);
    const { pieces } = (await watch.read(run, null)) ?? { pieces: [] };
    expect([pieces[0]?.text, pieces.at(-1)?.text]).toEqual(['line 30\n', 'line 129\n']);
  });

  it('takes nothing from a runner that has lost the run, and forgets it when the run is called off', async () => {
    await say('one\n');
    await expect(watch.add(newId(), run, { attempt, step: 'apply', text: 'x' })).rejects.toBeInstanceOf(LeaseLost);
    await expect(watch.add(runnerId, run, { attempt: attempt + 1, step: 'apply', text: 'x' })).rejects.toBeInstanceOf(
      LeaseLost,
    );
    const operator = { ...(await rest.operator()), 'x-vouch-csrf': '1', 'content-type': 'application/json' };
    await fetch(`${rest.api.url}/api/v1/runs/${run}/cancel`, {
      method: 'POST',
      headers: operator,
      body: '{"why":"x"}',
    });
    expect(await kept()).toBe(0);
    await expect(say('two\n')).rejects.toBeInstanceOf(LeaseLost);
  });

  it('is for those who may see evidence, and there is nothing to watch of a run that is none', async () => {
    expect((await fetch(`${rest.api.url}/api/v1/runs/${run}/output`)).status).toBe(401);
    run = newId();
    expect((await open()).status).toBe(404);
  });
});
