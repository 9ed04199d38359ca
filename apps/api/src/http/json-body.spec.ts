import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyRefused, DEEPEST, readJson } from './json-body.js';

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('readJson', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8, noUnicodeString: false }), (text) => {
        const plain = Buffer.from(text);
        let read: unknown;
        try {
          read = readJson(plain);
        } catch (error) {
          expect(error).toBeInstanceOf(BodyRefused);
          return;
        }
        expect(read).toEqual(JSON.parse(plain.toString()));
      }),
    );
  });

  it('takes what is nested just deep enough, and no deeper; brackets in texts do not count', () => {
    expect(() => readJson(Buffer.from(nested(DEEPEST)))).not.toThrow();
    expect(() => readJson(Buffer.from(nested(DEEPEST + 1)))).toThrow('deeper than 32');
    expect(() => readJson(Buffer.from('{"a":'.repeat(5_000_000)))).toThrow('deeper than 32');
    expect(readJson(Buffer.from(JSON.stringify(`\\"${'['.repeat(100)}`)))).toContain('[[[');
  });

  it.each([
    ['a NUL', '{"a":"b\\u0000"}', 'NUL'],
    ['a NUL in a key', '{"a\\u0000":1}', 'NUL'],
    ['half a surrogate pair', '["\\ud800"]', 'surrogate'],
    ['a key for the prototype', '{"__proto__":{"admin":true}}', '__proto__'],
    ['a key for the constructor', '{"a":{"constructor":{"prototype":{}}}}', 'not allowed'],
    ['no JSON', '{', 'not JSON'],
  ])('refuses %s', (_what, text, reason) => {
    expect(() => readJson(Buffer.from(text))).toThrow(reason);
  });

  it('refuses broken UTF-8', () => {
    expect(() => readJson(Buffer.from([0x22, 0xff, 0xfe, 0x22]))).toThrow('UTF-8');
  });
});
