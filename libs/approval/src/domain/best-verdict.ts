import type { VerdictFacts } from './decide.js';

/** A verdict, with how near its lab is to the machines in question. */
export interface MeasuredVerdict extends VerdictFacts {
  readonly id: string;
  readonly goldenDigest: string;
  readonly issuedAt: Date;
}

/**
 * The verdict that speaks for the machines of a cohort: of those on the same golden the newest that says something; a fail
 * anywhere outweighs a pass elsewhere; what has ended comes last, unless it is a fail; among equals the nearest lab speaks, then
 * the one that holds longest.
 * @returns null when no lab that resembles the machines has said anything
 */
export function bestVerdict<V extends MeasuredVerdict>(verdicts: readonly V[], now: Date): V | null {
  const near = verdicts.filter((verdict) => verdict.coverage.score > 0 && !isReplaced(verdict, verdicts));
  near.sort(
    (a, b) =>
      weight(b, now) - weight(a, now) ||
      b.coverage.score - a.coverage.score ||
      b.expiresAt.getTime() - a.expiresAt.getTime() ||
      (a.id < b.id ? -1 : 1),
  );
  return near[0] ?? null;
}

/** Tested again on the same golden, with a result: an inconclusive repetition takes nothing back. */
const isReplaced = (verdict: MeasuredVerdict, all: readonly MeasuredVerdict[]): boolean =>
  all.some(
    (other) =>
      other.goldenDigest === verdict.goldenDigest &&
      other.result !== 'inconclusive' &&
      other.issuedAt.getTime() > verdict.issuedAt.getTime(),
  );

function weight({ result, expiresAt }: MeasuredVerdict, now: Date): number {
  if (result === 'fail') return 3;
  if (expiresAt.getTime() <= now.getTime()) return 0;
  return result === 'pass' ? 2 : 1;
}
