import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SealBroken, SealedBox } from './sealed-box.js';

const newBox = (): SealedBox => new SealedBox(randomBytes(32).toString('base64'));
const box = newBox();

describe('SealedBox', () => {
  it('opens what it sealed, and shows nothing of it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (secret, place) => {
        const sealed = box.seal(secret, place);
        expect(box.open(sealed, place)).toBe(secret);
        expect(box.seal(secret, place)).not.toBe(sealed);
      }),
    );
    expect(box.seal('whsec_visible', 'x')).not.toContain('visible');
  });

  it('does not open at another place, with another key, or after any bit was changed', () => {
    const sealed = box.seal('secret', 'a');
    expect(() => box.open(sealed, 'b')).toThrow(SealBroken);
    expect(() => newBox().open(sealed, 'a')).toThrow(SealBroken);
    const bytes = Buffer.from(sealed.slice(3), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => box.open(`v1.${changed.toString('base64url')}`, 'a')).toThrow(SealBroken);
    }
  });

  it.each(['', 'v1.', 'v1.AAAA', 'v2.AAAA', 'nonsense'])('does not open %j', (text) => {
    expect(() => box.open(text, 'a')).toThrow(SealBroken);
  });

  it('refuses a key of another length', () => {
    expect(() => new SealedBox('AAAA')).toThrow(TypeError);
  });
});
