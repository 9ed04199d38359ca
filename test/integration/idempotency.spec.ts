import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '@vouch/contracts';
import { newId, SealedBox, shared } from '@vouch/platform';
import {
  AnswerLost,
  Idempotency,
  IdempotencyKeyReused,
  RequestInFlight,
  type Answer,
} from '../../apps/api/src/idempotency/idempotency.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { msp, RestFixture, tenants } from './rest-fixture.js';

describe('a change with an Idempotency-Key', () => {
  let rest: RestFixture;
  let headers: Record<string, string>;
  beforeAll(async () => {
    rest = await RestFixture.start();
    headers = await rest.person(msp.technician);
  });
  afterAll(() => rest.stop());
  const create = (key: string, ring = 0, more: Record<string, string> = headers): Promise<Response> =>
    rest.api.post('/api/v1/enrolment-tokens', { tenantId: tenants.one.id, ring }, { ...more, 'idempotency-key': key });
  const tokens = async (): Promise<number> =>
    (await rest.api.database.platform.read(shared, 'select 1 from fleet_enrolment_token')).length;

  it('is made once and answered the same, however often it is asked for', async () => {
    const key = newId();
    const before = await tokens();
    const first = await create(key);
    const second = await create(key);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect([first.headers.get('idempotency-replayed'), second.headers.get('idempotency-replayed')]).toEqual([
      null,
      'true',
    ]);
    expect(await second.json()).toEqual(await first.json());
    expect(await tokens()).toBe(before + 1);
  });

  it('is made once when twenty ask at the same moment', async () => {
    const key = newId();
    const before = await tokens();
    const answers = await Promise.all(Array.from({ length: 20 }, () => create(key)));
    expect(await tokens()).toBe(before + 1);
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true);
    expect(answers.some(({ status }) => status === 201)).toBe(true);
  });

  it('is refused when the key stood for another request', async () => {
    const key = newId();
    await create(key);
    const other = await create(key, 1);
    expect([other.status, ((await other.json()) as Problem).code]).toEqual([422, 'idempotency-key-reused']);
  });

  it('is another one for another caller', async () => {
    const key = newId();
    await create(key);
    const { headers: other } = await rest.key(msp.technician, ['enrolment-token:create']);
    const answer = await create(key, 0, other);
    expect([answer.status, answer.headers.get('idempotency-replayed')]).toEqual([201, null]);
  });

  it('can be sent again when it was refused and changed nothing', async () => {
    const key = newId();
    const wrong = await rest.api.post('/api/v1/enrolment-tokens', { ring: 0 }, { ...headers, 'idempotency-key': key });
    expect(wrong.status).toBe(400);
    expect((await create(key)).status).toBe(201);
  });

  it('leaves no secret in clear in the database', async () => {
    const key = newId();
    const { token } = (await (await create(key)).json()) as { token: string };
    const kept = JSON.stringify(await rest.api.database.platform.read(shared, 'select 1').then(() => keptRows()));
    expect(kept).toContain('answered');
    expect(kept).not.toContain(token);
    expect(kept).not.toContain(key);
  });
  const keptRows = (): Promise<unknown[]> => rest.api.database.app.read(shared, 'select * from api_idempotency');

  it.each(['', 'with space', 'x'.repeat(256)])('refuses the key %j', async (key) => {
    expect((await create(key)).status).toBe(400);
  });
});

describe('a process that ends in the middle', () => {
  let database: TestDatabase;
  let now = new Date('2026-01-01T00:00:00Z');
  const box = new SealedBox(Buffer.alloc(32, 1).toString('base64'));
  let idempotency: Idempotency;
  beforeAll(async () => {
    database = await createTestDatabase();
    idempotency = new Idempotency(database.app, box, () => now);
  });
  afterAll(() => database.drop());
  const answer: Answer = { status: 201, headers: {}, body: { done: true } };
  const effect = (): Promise<unknown> =>
    database.app.transaction(shared, (tx) =>
      tx.query(`insert into platform_outbox (topic, payload, correlation_id) values ('test', '{}', 'test')`),
    );
  const effects = async (): Promise<number> =>
    (await database.platform.read(shared, `select 1 from platform_outbox where topic = 'test'`)).length;
  /** Never comes back, as if the process were killed there. */
  const killed = (work: () => Promise<unknown>, key: string): Promise<void> =>
    new Promise((resolve) => {
      void idempotency.once('member:x', key, 'request', async () => {
        await work();
        resolve();
        return new Promise<Answer>(() => undefined);
      });
    });

  it('before the change: it can be asked for again after the claim has ended, and is made then', async () => {
    await killed(async () => undefined, 'a');
    await expect(idempotency.once('member:x', 'a', 'request', async () => answer)).rejects.toThrow(RequestInFlight);
    now = new Date(now.getTime() + 31_000);
    const before = await effects();
    const again = await idempotency.once('member:x', 'a', 'request', async () => (await effect(), answer));
    expect(again).toMatchObject({ replayed: false, status: 201 });
    expect(await effects()).toBe(before + 1);
  });

  it('after the change: it is never made a second time, and says so', async () => {
    await killed(effect, 'b');
    const before = await effects();
    now = new Date(now.getTime() + 31_000);
    const again = idempotency.once('member:x', 'b', 'request', async () => (await effect(), answer));
    await expect(again).rejects.toThrow(AnswerLost);
    expect(await effects()).toBe(before);
  });

  it('only seems to have ended: when another took over, its change is not made', async () => {
    let goOn = (): void => undefined;
    const slow = idempotency.once('member:x', 'c', 'request', async () => {
      await new Promise<void>((resolve) => (goOn = resolve));
      await effect();
      return answer;
    });
    await expect.poll(() => goOn.length === 0 && claims('c')).toBe(1);
    now = new Date(now.getTime() + 31_000);
    await idempotency.once('member:x', 'c', 'request', async () => (await effect(), answer));
    const after = await effects();
    await new Promise((resolve) => setTimeout(resolve, 20));
    goOn();
    await expect(slow).rejects.toThrow(RequestInFlight);
    expect(await effects()).toBe(after);
    expect(await idempotency.once('member:x', 'c', 'request', async () => answer)).toMatchObject({ replayed: true });
  });
  const claims = async (_key: string): Promise<number> =>
    (await database.app.read(shared, `select 1 from api_idempotency where state = 'claimed'`)).length;

  it('is forgotten after a day', async () => {
    await idempotency.once('member:x', 'd', 'request', async () => answer);
    await expect(idempotency.once('member:x', 'd', 'other', async () => answer)).rejects.toThrow(IdempotencyKeyReused);
    now = new Date(now.getTime() + 25 * 3_600_000);
    expect(await idempotency.once('member:x', 'd', 'other', async () => answer)).toMatchObject({ replayed: false });
  });
});
