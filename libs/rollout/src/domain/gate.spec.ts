import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gate, type RingCount } from './gate.js';
import { canMove, type RingState } from './ring-state.js';

const now = new Date('2026-01-01T12:00:00Z');
const count = fc
  .record({ machines: fc.nat(20), good: fc.nat(20), bad: fc.nat(20), secondsAgo: fc.nat(1000) })
  .map(({ machines, good, bad, secondsAgo }): RingCount => ({
    machines,
    installedHealthy: Math.min(good, machines),
    bad: Math.min(bad, machines),
    lastReportAt: new Date(now.getTime() - secondsAgo * 1000),
  }));

describe('gate', () => {
  it('never opens the next ring while a machine is bad or has not reported', () => {
    fc.assert(
      fc.property(count, fc.nat(600), (c, soak) => {
        const answer = gate(c, soak, now);
        expect(answer.reason).not.toBe('');
        if (c.bad > 0) expect(answer.state).toBe('halted');
        else if (c.installedHealthy < c.machines) expect(answer.state).toBe('open');
      }),
    );
  });

  it('waits for the soak time, and says how long', () => {
    const all = { machines: 3, installedHealthy: 3, bad: 0, lastReportAt: new Date(now.getTime() - 10_000) };
    expect(gate(all, 60, now)).toEqual({
      state: 'open',
      reason: '3 machines well with it; watching for 50 s more.',
    });
    expect(gate(all, 10, now).state).toBe('healthy');
  });

  it('one more bad machine never opens a ring that was shut', () => {
    fc.assert(
      fc.property(count, fc.nat(600), (c, soak) => {
        const worse = gate({ ...c, machines: c.machines + 1, bad: c.bad + 1 }, soak, now);
        expect(worse.state).toBe('halted');
      }),
    );
  });
});

describe('ring states', () => {
  it('a halted ring goes nowhere by itself, and no ring closes again', () => {
    const states: RingState[] = ['closed', 'open', 'healthy', 'halted'];
    for (const to of states) {
      expect(canMove('halted', to)).toBe(false);
      expect(canMove(to, 'closed')).toBe(false);
    }
  });
});
