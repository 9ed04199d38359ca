/** The middle of some figures. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Runs all sides in turn, several times, so that a busy moment of the machine falls on all of them.
 * @param sides name → async function that does the work once
 * @returns name → median milliseconds
 */
export async function interleaved(sides, rounds, say) {
  const times = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, work] of Object.entries(sides)) {
      const startedAt = performance.now();
      await work();
      times[name].push(performance.now() - startedAt);
      say(`round ${round + 1}: ${name} ${Math.round(times[name].at(-1))} ms`);
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]));
}
