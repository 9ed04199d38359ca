import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StepLog } from './step-log.js';

const logOf = (pieces: readonly string[], kept: number): string => {
  const log = new StepLog(kept);
  for (const piece of pieces) log.add(piece);
  return log.text;
};

describe('the log of a step', () => {
  it('is all that was printed, when that is little', () => {
    expect(logOf(['a', 'bc', '', 'def'], 3)).toBe('abcdef');
  });

  it('is the start and the end of what was printed, and how much is missing between', () => {
    expect(logOf(['abcd', 'efgh', 'ij'], 3)).toBe('abc\n[4 characters left out]\nhij');
  });

  it('depends on what was printed only, and not on the pieces', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 30 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 20 }),
        (pieces, kept) => {
          const text = logOf(pieces, kept);
          return text === logOf([pieces.join('')], kept) && text.length <= 2 * kept + 40;
        },
      ),
    );
  });
});
