import { afterEach, beforeEach, afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { STILL_IN_EVERY_MS } from '../../apps/api/src/access/still-in.js';
import { TestDevice } from './api.js';
import { msp, otherMsp, RestFixture } from './rest-fixture.js';

describe('a stream', () => {
  let rest: RestFixture;
  beforeAll(async () => {
    rest = await RestFixture.start();
  });
  afterAll(() => rest.stop());
  // The server in this process is the one that waits.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
  afterEach(() => void vi.useRealTimers());

  /** @returns a look at what came until something new came, or null when the stream has ended */
  async function listen(headers: Record<string, string>, to = rest): Promise<() => Promise<string | null>> {
    const answer = await to.api.get('/api/v1/live', headers);
    expect(answer.status).toBe(200);
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    return async () => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return null;
        const text = new TextDecoder().decode(value);
        if (text.includes('event: ')) return text;
      }
    };
  }
  const later = (): void => void vi.advanceTimersByTime(STILL_IN_EVERY_MS + 1);

  it('goes on as long as its listener may listen, and ends with the session', async () => {
    const headers = await rest.person(msp.technician);
    const next = await listen(headers);
    later();
    expect(await next()).toContain('event: alive');
    const out = { method: 'DELETE', headers };
    expect((await fetch(`${rest.api.url}/api/v1/session`, out)).status).toBe(204);
    later();
    expect(await next()).toBeNull();
  });

  it('ends with the key that opened it', async () => {
    const { id, headers } = await rest.key(msp.technician, ['overview:read']);
    const next = await listen(headers);
    later();
    expect(await next()).toContain('event: alive');
    const revoke = { method: 'DELETE', headers: await rest.person(msp.technician) };
    expect((await fetch(`${rest.api.url}/api/v1/api-keys/${id}`, revoke)).status).toBe(204);
    later();
    expect(await next()).toBeNull();
  });

  it('ends when its listener is no member any more', async () => {
    const next = await listen(await rest.person(msp.reader));
    const boss = await rest.person(msp.boss);
    const members = (await (await rest.api.get('/api/v1/members?limit=200', boss)).json()) as {
      items: { id: string; email: string }[];
    };
    const id = members.items.find(({ email }) => email === msp.reader)?.id ?? '';
    const removed = await fetch(`${rest.api.url}/api/v1/members/${id}`, { method: 'DELETE', headers: boss });
    expect(removed.status).toBe(204);
    later();
    expect(await next()).toBeNull();
  });

  it('tells an MSP of a customer that came after it began, and no other MSP', async () => {
    const technician = await rest.person(msp.technician);
    const [own, foreign] = [await listen(technician), await listen(await rest.person(otherMsp.boss))];
    const made = await rest.api.post('/api/v1/tenants', { name: 'Corner Bookshop' }, technician);
    const { id } = (await made.json()) as { id: string };
    const device = new TestDevice(rest.api);
    expect((await device.enrol(await rest.api.enrolmentToken(id, msp.technician), 'till')).status).toBe(200);
    expect(await own()).toContain('fleet.device-enrolled');
    later();
    expect(await foreign()).toContain('event: alive');
  });

  it('ends with the server, and does not keep it from stopping', async () => {
    const other = await RestFixture.start();
    const next = await listen(await other.person(msp.technician), other);
    await other.stop();
    expect(await next()).toBeNull();
  });
});
