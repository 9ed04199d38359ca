/** One golden that could test a patch, and the demand that its verdict would answer. */
export interface Candidate {
  readonly goldenDigest: string;
  /** Cohorts that it covers well enough, with their number of waiting machines. */
  readonly covers: ReadonlyMap<string, number>;
}

/**
 * The fewest goldens that answer all demand that any of them can: greedy set cover by waiting machines, then a reverse
 * pass that drops what the others made superfluous. Within ln(n)+1 of the optimum (V. Chvátal, 1979).
 *
 * @returns digests in the order in which they should be tested; ties go to the smaller digest
 */
export function smallestPlan(candidates: readonly Candidate[]): string[] {
  const open = new Map<string, number>();
  for (const candidate of candidates) for (const [cohort, devices] of candidate.covers) open.set(cohort, devices);
  const chosen: Candidate[] = [];
  const sorted = [...candidates].sort((a, b) => (a.goldenDigest < b.goldenDigest ? -1 : 1));
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
