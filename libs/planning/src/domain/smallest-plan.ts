/** One golden that could test a patch, and the demand that its verdict would answer. */
export interface Candidate {
  readonly goldenDigest: string;
  /** Cohorts that it covers well enough, with their number of waiting machines. */
  readonly covers: ReadonlyMap<string, number>;
  /** How much it resembles the machines of those cohorts, 0 to 1. */
  readonly likeness: number;
  /** The patch has been tested on it, or waits to be. */
  readonly taken: boolean;
}

/** By so much must another golden resemble the machines more, before a patch is tested on it as well. */
const CLEARLY_MORE = 0.1;

/**
 * The fewest goldens that answer all demand that any of them can: greedy set cover by waiting machines, then a reverse
 * pass that drops what the others made superfluous. Within ln(n)+1 of the optimum (V. Chvátal, 1979).
 *
 * Of those that answer as much, the one goes first that resembles the machines most; a test that was made or waits is not
 * made again elsewhere, unless that is clearly more like them.
 *
 * @returns digests in the order in which they should be tested; what is left of ties goes to the smaller digest
 */
export function smallestPlan(candidates: readonly Candidate[]): string[] {
  const open = new Map<string, number>();
  for (const candidate of candidates) for (const [cohort, devices] of candidate.covers) open.set(cohort, devices);
  const chosen: Candidate[] = [];
  const worth = ({ likeness, taken }: Candidate): number => likeness + (taken ? CLEARLY_MORE : 0);
  const sorted = [...candidates].sort((a, b) => worth(b) - worth(a) || (a.goldenDigest < b.goldenDigest ? -1 : 1));
  while (open.size > 0) {
    const gain = (candidate: Candidate): number =>
      [...candidate.covers.keys()].reduce(
        (sum, cohort) => sum + (open.has(cohort) ? 1 + (open.get(cohort) ?? 0) : 0),
        0,
      );
    const best = sorted.reduce((a, b) => (gain(b) > gain(a) ? b : a));
    chosen.push(best);
    for (const cohort of best.covers.keys()) open.delete(cohort);
  }
  return withoutSuperfluous(chosen).map((candidate) => candidate.goldenDigest);
}

function withoutSuperfluous(chosen: readonly Candidate[]): Candidate[] {
  let kept = [...chosen];
  for (const candidate of [...chosen].reverse()) {
    const others = kept.filter((other) => other !== candidate);
    const stillCovered = new Set(others.flatMap((other) => [...other.covers.keys()]));
    if ([...candidate.covers.keys()].every((cohort) => stillCovered.has(cohort))) kept = others;
  }
  return kept;
}
