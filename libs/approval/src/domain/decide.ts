import type { PolicyRules } from '@vouch/contracts';

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
  /** It rests on a waiver, and falls with it. */
  readonly waived?: true;
}

/** What people have ordered about a revision, beside what the policy says. */
export interface OpenOrders {
  /** Stops it, whatever the verdict. */
  readonly hold?: { readonly name: string; readonly why: string };
  /** Lets what speaks against this very verdict pass. */
  readonly waiver?: { readonly name: string; readonly why: string };
}

/**
 * Does a policy approve a revision for a cohort, given the verdict that covers it best? A pure function that fails
 * closed (I7): only two paths lead to `approved`, and every other says why. A waiver makes up for what the lab found or could
 * not say; never for bytes that the vendor does not offer, a source that cannot be trusted, or a test that is too old.
 *
 * @param verdict null when nothing that covers the cohort was tested yet
 */
export function decide(
  rules: PolicyRules,
  verdict: VerdictFacts | null,
  revision: RevisionFacts,
  now: Date,
  { hold, waiver }: OpenOrders = {},
): Decision {
  if (revision.state !== 'offered') {
    return {
      outcome: 'refused',
      reason: revision.reason || `The vendor no longer offers these bytes (${revision.state}).`,
    };
  }
  if (hold !== undefined) return { outcome: 'waiting', reason: `Held by ${hold.name}: ${hold.why}` };
  if (revision.sourceState === 'stale' || revision.sourceState === 'unverified') {
    return { outcome: 'waiting', reason: `Its source cannot be trusted now: ${revision.sourceReason}` };
  }
  if (verdict === null && (revision.verdictsRevoked ?? 0) > 0) {
    const reason = 'The key that signed its verdict was revoked: nothing that it signed is believed.';
    return { outcome: 'refused', reason };
  }
  if (verdict === null)
    return { outcome: 'waiting', reason: 'No lab that resembles these machines has tested it yet.' };
  if (verdict.expiresAt.getTime() <= now.getTime() && verdict.result === 'pass') {
    return { outcome: 'waiting', reason: 'The test is too old and has to be repeated.' };
  }
  const against = whatSpeaksAgainst(rules, verdict);
  if (against === null) return { outcome: 'approved', reason: verdict.sentence };
  if (waiver === undefined || verdict.expiresAt.getTime() <= now.getTime()) return against;
  const reason = `Approved by ${waiver.name} all the same: ${waiver.why} (${against.reason})`;
  return { outcome: 'approved', reason, waived: true };
}

function whatSpeaksAgainst(rules: PolicyRules, verdict: VerdictFacts): Decision | null {
  if (verdict.result !== 'pass') {
    return { outcome: verdict.result === 'fail' ? 'refused' : 'waiting', reason: verdict.sentence };
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
  return null;
}
