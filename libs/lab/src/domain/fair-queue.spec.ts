import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseRun, NO_TURNS, RISES_AFTER_MS, URGENCY, type Turns, type WaitingRun } from './fair-queue.js';

const NOW = new Date('2026-03-01T12:00:00Z');
let made = 0;
const run = (origin: string | string[], more: Partial<WaitingRun> = {}): WaitingRun => ({
  id: `run-${String((made += 1)).padStart(6, '0')}`,
  urgency: URGENCY.routine,
  origins: [origin].flat(),
  machines: 1,
  queuedAt: NOW,
  ...more,
});

/** The order in which runs are taken when nothing comes after them. */
function order(queue: readonly WaitingRun[], from: Turns = NO_TURNS, now = NOW): WaitingRun[] {
  const left = [...queue];
  const taken: WaitingRun[] = [];
  let turns = from;
  for (let choice = chooseRun(left, turns, now); choice !== null; choice = chooseRun(left, turns, now)) {
    taken.push(choice.run);
    left.splice(left.indexOf(choice.run), 1);
    turns = choice.turns;
  }
  return taken;
}

describe('the queue', () => {
  it('lets one MSP with a thousand runs starve nobody', () => {
    const flood = Array.from({ length: 1000 }, () => run('big', { machines: 500 }));
    const small = Array.from({ length: 3 }, () => run('small'));
    const positions = order([...flood, ...small]).flatMap(({ origins }, at) => (origins[0] === 'small' ? [at] : []));
    expect(positions.every((at, index) => at <= 2 * index + 1)).toBe(true);
  });

  it('gives nobody credit for having been away, and nobody debt for having been alone', () => {
    const alone = order(Array.from({ length: 100 }, () => run('early')));
    let turns = NO_TURNS;
    for (const one of alone) turns = chooseRun([one], turns, NOW)?.turns ?? turns;
    const both = order([...Array.from({ length: 20 }, () => [run('early'), run('late')]).flat()], turns);
    const early = both.slice(0, 20).filter(({ origins }) => origins[0] === 'early').length;
    expect(early).toBeGreaterThanOrEqual(9);
    expect(early).toBeLessThanOrEqual(11);
  });

  const origins = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1, maxLength: 3 });
  const queues = fc.array(
    fc.record({
      origins,
      machines: fc.integer({ min: 1, max: 1000 }),
      urgency: fc.constantFrom(...Object.values(URGENCY)),
    }),
    { maxLength: 60 },
  );

  it('takes everything once, the more urgent first', () => {
    fc.assert(
      fc.property(queues, (wanted) => {
        const queue = wanted.map((more) => run([...more.origins], more));
        const taken = order(queue);
        expect([...taken].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(queue);
        const urgencies = taken.map(({ urgency }) => urgency);
        expect(urgencies).toEqual([...urgencies].sort((a, b) => b - a));
      }),
    );
  });

  it('gives every other origin at most two runs between two of one that waits', () => {
    const flood = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(flood, fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 40 }), (before, who) => {
        let turns = NO_TURNS;
        for (const one of who) turns = chooseRun([run(one)], turns, NOW)?.turns ?? turns;
        const taken = order(
          before.map((one) => run(one)),
          turns,
        ).map(({ origins: [origin] }) => origin);
        for (const origin of new Set(taken)) {
          const own = taken.flatMap((one, at) => (one === origin ? [at] : []));
          for (const [index, at] of own.slice(1).entries()) {
            const between = taken.slice((own[index] ?? 0) + 1, at);
            for (const other of new Set(between))
              expect(between.filter((one) => one === other).length).toBeLessThanOrEqual(2);
          }
        }
      }),
    );
  });

  it('charges a run that several want to all of them together, as one', () => {
    const first = chooseRun([run(['a', 'b'])], NO_TURNS, NOW);
    expect([...(first?.turns.next ?? [])]).toEqual([
      ['a', 0.5],
      ['b', 0.5],
    ]);
  });

  it('lets what has waited long enough rise, so that urgent runs without end starve nothing', () => {
    const old = run('a', { queuedAt: new Date(NOW.getTime() - 2 * RISES_AFTER_MS), machines: 3 });
    const fresh = run('b', { urgency: URGENCY.exploited });
    expect(
      order([fresh, run('a'), old])
        .map(({ id }) => id)
        .indexOf(old.id),
    ).toBeLessThan(2);
    expect(chooseRun([], NO_TURNS, NOW)).toBeNull();
  });

  it('prefers, of one origin, what most machines wait for, then what waits longest', () => {
    const early = new Date(NOW.getTime() - 1000);
    const wanted = [run('a', { machines: 2 }), run('a', { machines: 9 }), run('a', { machines: 9, queuedAt: early })];
    expect(order(wanted).map(({ id }) => id)).toEqual([wanted[2]?.id, wanted[1]?.id, wanted[0]?.id]);
  });
});
