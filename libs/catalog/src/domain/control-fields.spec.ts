import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { paragraphs, parseParagraph } from './control-fields.js';

describe('a paragraph of a control file', () => {
  it('folds continuation lines, leaves comments out, and knows fields in any case', () => {
    const fields = parseParagraph('PACKAGE: a\n# nothing\nDescription: short\n long\n .\n\tmore\nVersion:1\n');
    expect([...fields]).toEqual([
      ['package', 'a'],
      ['description', 'short\nlong\n.\nmore'],
      ['version', '1'],
    ]);
  });

  it('takes no continuation line that continues nothing, and no line without a colon', () => {
    expect([...parseParagraph(' lost\nno field\n: no name\nA: 1')]).toEqual([['a', '1']]);
  });
});

describe('the paragraphs of a text', () => {
  it('are what was written, however many empty lines stand between, before and after', () => {
    const paragraph = fc
      .array(fc.constantFrom('A: 1', 'B: 2', ' folded', 'C:'), { minLength: 1, maxLength: 4 })
      .map((lines) => lines.join('\n'));
    const gap = fc.integer({ min: 0, max: 3 }).map((lines) => '\n'.repeat(lines));
    fc.assert(
      fc.property(fc.array(paragraph), gap, gap, (written, before, between) => {
        const text = before + written.map((item) => `${item}\n\n${between}`).join('');
        expect([...paragraphs(text)].map((item) => item.replace(/^\n+|\n+$/g, ''))).toEqual(written);
      }),
    );
  });
});
