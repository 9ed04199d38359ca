import { describe, expect, it } from 'vitest';
import { newQuestions, withoutTrace } from './install-questions.js';

const TRACE = `Setting up acme-shop (2.0) ...
debconf (developer): frontend started
debconf (developer): <-- INPUT high acme-shop/colour
debconf (developer): --> 30 question skipped
debconf (developer): <-- INPUT medium acme-shop/size
debconf (developer): <-- INPUT critical acme-shop/licence
debconf (developer): <-- INPUT high acme-shop/colour
debconf (developer): <-- INPUT high acme-shop/port
debconf (developer): <-- GO
warning: something else`;

describe('questions of an installation', () => {
  it('are those of high and critical priority that the machine did not know, each once', () => {
    expect(newQuestions(TRACE, 'acme-shop/port\nother/colour\n')).toEqual(['acme-shop/colour', 'acme-shop/licence']);
  });

  it('are none where the words come from anything but debconf', () => {
    expect(newQuestions('<-- INPUT high a/b\nsays debconf (developer): <-- INPUT high a/b', '')).toEqual([]);
  });

  it('leave the rest of the output as it was', () => {
    expect(withoutTrace(TRACE)).toBe('Setting up acme-shop (2.0) ...\nwarning: something else');
  });
});
