import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainText } from './plain-text.js';

describe('plain text', () => {
  it.each([
    ['Setting up nginx ...\n', 'Setting up nginx ...\n'],
    ['\u001b[31mE:\u001b[0m broken', 'E: broken'],
    ['10%\r20%\r\n', '10%\n20%\n'],
    ['safe\u202egnp.exe', 'safegnp.exe'],
    ['a\u0000b', 'ab'],
  ])('of %j is %j', (printed, shown) => {
    expect(plainText(printed)).toBe(shown);
  });

  it('holds nothing that steers, whatever was printed, and is its own plain text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (printed) => {
        const text = plainText(printed);
        expect([...text].filter((c) => c !== '\n' && c !== '\t' && /[\p{Cc}\p{Cs}]/u.test(c))).toEqual([]);
        expect(plainText(text)).toBe(text);
      }),
    );
  });
});
