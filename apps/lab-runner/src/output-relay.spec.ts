import { OUTPUT_AT_ONCE } from '@vouch/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutputRelay } from './output-relay.js';

/** Lets everything run that can. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('output relay', () => {
  it('brings everything in its order, many lines at once', async () => {
    const sent: string[] = [];
    const relay = new OutputRelay(async (step, text) => void sent.push(`${step}: ${text}`), 60_000);
    relay.add('apply', 'one\n');
    await turn();
    relay.add('apply', 'two\n');
    relay.add('reboot', 'three\n');
    await relay.end();
    relay.add('reboot', 'too late\n');
    await relay.end();
    expect(sent).toEqual(['apply: one\n', 'reboot: two\nthree\n']);
  });

  it('goes on when nobody takes it', async () => {
    let tried = 0;
    const relay = new OutputRelay(async () => {
      tried++;
      throw new Error('the server is away');
    }, 0);
    relay.add('apply', 'one\n');
    await turn();
    relay.add('apply', 'two\n');
    await relay.end();
    expect(tried).toBe(2);
  });

  it('never sends more at once than may be, and of what is too much the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ minLength: 1, maxLength: 9000 }), { minLength: 1 }), async (lines) => {
        const sent: string[] = [];
        const relay = new OutputRelay(async (_, text) => void sent.push(text), 0);
        for (const line of lines) relay.add('apply', `${line}\n`);
        await relay.end();
        expect(Math.max(...sent.map((text) => text.length))).toBeLessThanOrEqual(OUTPUT_AT_ONCE);
        expect(sent.join('').endsWith(`${lines.at(-1)}\n`)).toBe(true);
      }),
    );
  });
});
