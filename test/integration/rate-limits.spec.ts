import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '@vouch/contracts';
import { createLogger, newId } from '@vouch/platform';
import { RateLimits, TooManyRequests } from '../../apps/api/src/limits/rate-limits.js';
import { testRedisUrl } from './database.js';
import { msp, otherMsp, RestFixture } from './rest-fixture.js';

const logger = createLogger('test', 'error');

describe('rate limits', () => {
  it('are counted together by several processes', async () => {
    const prefix = newId();
    const [one, two] = [1, 2].map(() => new RateLimits(testRedisUrl(), 4, logger, prefix)) as [RateLimits, RateLimits];
    await expect.poll(() => isReady(one)).toBe(true);
    await expect.poll(() => isReady(two)).toBe(true);
    for (const limits of [one, two, one, two]) await limits.take('caller', 'a');
    await expect(one.take('caller', 'a')).rejects.toThrow(TooManyRequests);
    await expect(two.take('caller', 'a')).rejects.toThrow(TooManyRequests);
    await two.take('caller', 'b');
    await Promise.all([one.close(), two.close()]);
  });
  const isReady = (limits: RateLimits): boolean =>
    (limits as unknown as { redis: { status: string } }).redis.status === 'ready';

  it('go on in memory while Redis is away', async () => {
    const limits = new RateLimits('redis://127.0.0.1:1', 3, logger, newId());
    for (let count = 2; count >= 0; count -= 1) {
      const { headers } = await limits.take('caller', 'a');
      expect(headers['ratelimit']).toMatch(new RegExp(`^"caller";r=${count};t=\\d+$`));
      expect(headers['ratelimit-policy']).toBe('"caller";q=3;w=60');
    }
    await expect(limits.take('caller', 'a')).rejects.toThrow(TooManyRequests);
    await limits.close();
  });

  describe('at the door', () => {
    let rest: RestFixture;
    beforeAll(async () => {
      rest = await RestFixture.start({ VOUCH_RATE_LIMIT_PER_MINUTE: 30, VOUCH_TRUSTED_PROXIES: ['127.0.0.1'] });
    });
    afterAll(() => rest.stop());

    it('tell each caller what is left, and then when to come back', async () => {
      const { headers } = await rest.key(msp.technician, ['device:read']);
      const read = (): Promise<Response> => rest.api.get('/api/v1/devices', headers);
      const first = await read();
      expect(first.headers.get('ratelimit')).toMatch(/^"caller";r=29;t=\d+$/);
      const answers = [];
      for (let count = 0; count < 30; count += 1) answers.push(await read());
      const last = answers.at(-1) as Response;
      expect(last.status).toBe(429);
      expect(last.headers.get('ratelimit')).toMatch(/^"caller";r=0;t=\d+$/);
      expect(last.headers.get('ratelimit-policy')).toBe('"caller";q=30;w=60');
      expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(((await last.json()) as Problem).code).toBe('too-many-requests');
      const { headers: other } = await rest.key(msp.technician, ['device:read']);
      expect((await rest.api.get('/api/v1/devices', other)).status).toBe(200);
    });

    it('count what a caller is refused, too: without the right, the header, or a fresh proof', async () => {
      const { headers } = await rest.key(msp.technician, ['device:read']);
      const statuses: number[] = [];
      const left = async (answer: Promise<Response>): Promise<string | null> => {
        const { status, headers: got } = await answer;
        statuses.push(status);
        return /r=(\d+)/.exec(got.get('ratelimit') ?? '')?.[1] ?? null;
      };
      const { cookie = '' } = await rest.person(otherMsp.reader);
      const body = { name: 'x', expiresInDays: 1, actions: ['device:read'] };
      expect(await left(rest.api.get('/api/v1/tenants', headers))).toBe('29');
      expect(await left(rest.api.get('/api/v1/tenants', headers))).toBe('28');
      expect(await left(rest.api.post('/api/v1/api-keys', body, { cookie }))).toBe('29');
      expect(await left(rest.api.post('/api/v1/api-keys', body, { cookie, 'x-vouch-csrf': '1' }))).toBe('28');
      expect(statuses).toEqual([403, 403, 403, 403]);
      for (let count = 0; count < 28; count += 1) await left(rest.api.get('/api/v1/tenants', headers));
      const last = await rest.api.get('/api/v1/tenants', headers);
      expect([last.status, last.headers.get('ratelimit')?.startsWith('"caller";r=0;')]).toEqual([429, true]);
    });

    it('slow down who guesses keys, before the database is asked', async () => {
      const guess = (key: string, from: string): Promise<Response> =>
        rest.api.get('/api/v1/devices', { authorization: `Bearer vk_${key}`, 'x-forwarded-for': from });
      const statuses = [];
      for (let count = 0; count < 8; count += 1) {
        statuses.push((await guess(`${'A'.repeat(42)}${count}`, '203.0.113.7')).status);
      }
      expect(statuses[0]).toBe(401);
      expect(statuses.at(-1)).toBe(429);
      expect((await guess('A'.repeat(43), '203.0.113.8')).status).toBe(401);
    });
  });
});
