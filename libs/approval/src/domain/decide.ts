import { z } from 'zod';

/** The rules of a policy. A waiver is not a rule: it is an audited act of a person. */
export const PolicyRules = z.object({
  /** Below this distance from the lab to the machines nothing is approved. */
  minimumCoverage: z.number().min(0).max(1),
  /** Accept verdicts from a driver of reduced fidelity? */
  acceptReducedFidelity: z.boolean(),
  /** Approve what passed but cannot be taken back, so that a recall would be a repair? Yes, unless this says no. */
  acceptIrreversible: z.boolean().optional(),
  /** How long after the verdict ring 0 may install. */
  delayMinutes: z.int().min(0),
  /** Number of rings, low impact first. */
  rings: z.int().min(1).max(10),
  /** How long machines of a ring must be well before the next opens. */
  soakSeconds: z.int().min(0),
});
export type PolicyRules = z.infer<typeof PolicyRules>;

export interface VerdictFacts {
  readonly result: 'pass' | 'fail' | 'inconclusive';
  readonly sentence: string;
  readonly fidelity: 'full' | 'reduced';
  readonly expiresAt: Date;
  /** null when the way back was not tested. */
  readonly reversible: boolean | null;
  readonly coverage: { readonly score: number; readonly notCovered: readonly string[] };
}

export interface RevisionFacts {
  /** `offered` while the vendor offers exactly these bytes. */
  readonly state: 'offered' | 'replaced' | 'vanished' | 'suspect';
  readonly reason: string;
  readonly sourceState: 'new' | 'ok' | 'stale' | 'unverified' | 'unreachable';
  readonly sourceReason: string;
  /** Verdicts that do not count, since their key was revoked. */
  readonly verdictsRevoked?: number;
}

export interface Decision {
  readonly outcome: 'approved' | 'refused' | 'waiting';
  readonly reason: string;
}

/**
 * Does a policy approve a revision for a cohort, given the verdict that covers it best? A pure function that fails
 * closed (I7): only one path leads to `approved`, and every other says why.
 *
 * @param verdict null when nothing that covers the cohort was tested yet
 */
export function decide(rules: PolicyRules, verdict: VerdictFacts | null, revision: RevisionFacts, now: Date): Decision {
  if (revision.state !== 'offered') {
    return {
      outcome: 'refused',
      reason: revision.reason || `The vendor no longer offers these bytes (${revision.state}).`,
    };
  }
  if (revision.sourceState === 'stale' || revision.sourceState === 'unverified') {
    return { outcome: 'waiting', reason: `Its source cannot be trusted now: ${revision.sourceReason}` };
  }
  if (verdict === null && (revision.verdictsRevoked ?? 0) > 0) {
    const reason = 'The key that signed its verdict was revoked: nothing that it signed is believed.';
    return { outcome: 'refused', reason };
  }
  if (verdict === null)
    return { outcome: 'waiting', reason: 'No lab that resembles these machines has tested it yet.' };
  if (verdict.result !== 'pass') {
    return { outcome: verdict.result === 'fail' ? 'refused' : 'waiting', reason: verdict.sentence };
  }
  if (verdict.expiresAt.getTime() <= now.getTime()) {
    return { outcome: 'waiting', reason: 'The test is too old and has to be repeated.' };
  }
  if (verdict.fidelity === 'reduced' && !rules.acceptReducedFidelity) {
    return {
      outcome: 'waiting',
      reason: 'It passed only in a lab of reduced fidelity, which the policy does not accept.',
    };
  }
  if (verdict.reversible === false && rules.acceptIrreversible === false) {
    return {
      outcome: 'waiting',
      reason: 'It passed, but it cannot be taken back once it is installed, which the policy does not accept.',
    };
  }
  if (verdict.coverage.score < rules.minimumCoverage) {
    const [nearest, wanted] = [verdict.coverage.score, rules.minimumCoverage].map(
      (share) => `${Math.round(share * 100)} %`,
    );
    return {
      outcome: 'waiting',
      reason: `The lab is only ${nearest} like these machines; the policy wants ${wanted}.`,
    };
  }
  return { outcome: 'approved', reason: verdict.sentence };
}
