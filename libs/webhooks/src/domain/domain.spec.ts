import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { givenUp, LONGEST_FAILURE_MS, nextTry, TRIES } from './patience.js';
import { secretOf, signedHeaders } from './signature.js';

describe('signatures', () => {
  const secret = fc.uint8Array({ minLength: 24, maxLength: 64 }).map(secretOf);

  it('are taken by the specification’s own library, with the old and with the new secret', () => {
    fc.assert(
      fc.property(secret, secret, fc.json(), (old, young, body) => {
        const headers = signedHeaders('msg_1', new Date(), body, [young, old]);
        for (const one of [old, young]) expect(() => new Webhook(one).verify(body, headers)).not.toThrow();
      }),
    );
  });

  it('are not taken for another body, id or secret', () => {
    const [own, other] = [secretOf(Buffer.alloc(32, 1)), secretOf(Buffer.alloc(32, 2))];
    const headers = signedHeaders('msg_1', new Date(), '{}', [own]);
    expect(() => new Webhook(own).verify('{} ', headers)).toThrow();
    expect(() => new Webhook(own).verify('{}', { ...headers, 'webhook-id': 'msg_2' })).toThrow();
    expect(() => new Webhook(other).verify('{}', headers)).toThrow();
  });
});

describe('patience', () => {
  it('waits longer each time, and ends', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.date({ noInvalidDate: true, max: new Date('2100-01-01') }),
        (chance, at) => {
          let before = 0;
          for (let left = TRIES - 1; left > 0; left -= 1) {
            const pause = (nextTry(left, at, chance)?.getTime() ?? NaN) - at.getTime();
            expect(pause).toBeGreaterThanOrEqual(before);
            before = pause;
          }
          expect(nextTry(0, at, chance)).toBeNull();
        },
      ),
    );
  });

  it('gives an endpoint up after three days, with the reason', () => {
    const since = new Date('2026-01-01T00:00:00Z');
    expect(givenUp(since, new Date(since.getTime() + LONGEST_FAILURE_MS - 1), 'x')).toBeNull();
    expect(givenUp(since, new Date(since.getTime() + LONGEST_FAILURE_MS), 'HTTP 500')).toContain('HTTP 500');
  });
});
