import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idOf } from './ids.js';

describe('derived ids', () => {
  it('are valid UUIDs of version 8, the same for the same words', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        expect(idOf(...words)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(idOf(...words)).toBe(idOf(...words));
      }),
    );
  });

  it('differ when the words are divided differently', () => {
    expect(idOf('ab', 'c')).not.toBe(idOf('a', 'bc'));
  });
});
