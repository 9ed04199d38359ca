import { describe, expect, it } from 'vitest';
import { corpus } from '../bad-patches/packages.mjs';

describe('the corpus of patches', () => {
  const [good, bad] = [corpus('good'), corpus('bad')];

  it('has at least 25 good and 25 bad ones, beside the real updates', () => {
    expect(good.length).toBeGreaterThanOrEqual(25);
    expect(bad.length).toBeGreaterThanOrEqual(25);
  });

  it('names each once, and says what it does', () => {
    const names = [...good, ...bad].map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    for (const { name, does } of [...good, ...bad]) expect([name, does.length > 5]).toEqual([name, true]);
  });

  it('says of each bad one by what it is caught, and of no good one', () => {
    expect(bad.filter(({ caughtBy }) => (caughtBy ?? '').length < 5).map(({ name }) => name)).toEqual([]);
    expect(good.filter(({ caughtBy }) => caughtBy !== undefined)).toEqual([]);
  });

  it('does each another thing', () => {
    const deeds = [...good, ...bad].map(({ name: _name, does: _does, caughtBy: _by, ...deed }) => JSON.stringify(deed));
    // The plain one does nothing.
    expect(new Set(deeds).size).toBe(deeds.length);
  });
});
