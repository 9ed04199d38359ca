import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consoleWords } from './console-words.js';

describe('the words of a console', () => {
  it('are why the kernel gave up', () => {
    const log =
      'booting\r\n[1.0] No filesystem could mount root\n[1.1] Kernel panic - not syncing: VFS\n[1.2] Call Trace:\n x\n';
    expect(consoleWords(log)).toBe('[1.0] No filesystem could mount root | [1.1] Kernel panic - not syncing: VFS');
  });

  it('are the last lines when it only stopped', () => {
    expect(consoleWords('1\n2\n3\n4\n5\n6\n7\n')).toBe('2 | 3 | 4 | 5 | 6 | 7');
    expect(consoleWords('')).toBe('');
  });

  it('order no terminal about, whatever was written', () => {
    expect(consoleWords('\x1b[31mred\x1b[0m\x07')).toBe('red');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (log) => {
        expect(consoleWords(log)).toMatch(/^[\x20-\x7e]*$/);
      }),
    );
  });
});
