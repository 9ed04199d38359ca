import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { networkOf, THROTTLES, waitSeconds } from './throttle.js';

const rules = Object.values(THROTTLES);

describe('the wait after wrong guesses', () => {
  it('never gets shorter, begins after the free ones, and ends at the cap: nobody is locked out for ever', () => {
    fc.assert(
      fc.property(fc.constantFrom(...rules), fc.nat(10_000), (rule, failures) => {
        const wait = waitSeconds(failures, rule);
        expect(wait).toBeLessThanOrEqual(waitSeconds(failures + 1, rule));
        expect(wait > 0).toBe(failures >= rule.free);
        expect(wait).toBeLessThanOrEqual(rule.capSeconds);
      }),
    );
  });

  it('leaves a guesser at one account from one address about a hundred guesses a day', () => {
    const { 'account-from-address': rule } = THROTTLES;
    let [seconds, guesses] = [0, 0];
    while (seconds < 86_400) seconds += waitSeconds(++guesses, rule);
    expect(guesses).toBeLessThan(120);
  });
});

describe('an address', () => {
  it('counts as one with all of its IPv6 network', () => {
    const host = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const text = (bits: bigint): string =>
      `2001:db8:7:8:${[48n, 32n, 16n, 0n].map((shift) => ((bits >> shift) & 0xffffn).toString(16)).join(':')}`;
    fc.assert(
      fc.property(host, host, (one, other) => {
        expect(networkOf(text(one))).toBe(networkOf(text(other)));
      }),
    );
    expect(networkOf('2001:db8:7:9::1')).not.toBe(networkOf('2001:db8:7:8::1'));
  });

  it('of IPv4 is itself, however it is written', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(networkOf(address)).toBe(address);
        expect(networkOf(`::ffff:${address}`)).toBe(address);
      }),
    );
    expect(networkOf('')).toBe('');
  });
});
