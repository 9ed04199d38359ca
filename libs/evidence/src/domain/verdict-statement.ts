import canonicalize from 'canonicalize';
import type { Artefact, StepObservation } from '@vouch/contracts';
import { testResultOf } from './test-result.js';

export const STATEMENT_PAYLOAD_TYPE = 'application/vnd.in-toto+json';
export const VERDICT_PREDICATE_TYPE = 'https://vouch.invalid/attestation/patch-verdict/v1';

export interface VerdictFacts {
  readonly result: 'pass' | 'fail' | 'inconclusive';
  readonly sentence: string;
  readonly reasons: readonly string[];
  readonly covered: readonly string[];
  readonly notCovered: readonly string[];
  /** null when the way back was not tested. */
  readonly reversible: boolean | null;
  readonly cautions: readonly string[];
  readonly patch: {
    readonly source: string;
    readonly externalId: string;
    readonly version: string;
    readonly revisionId: string;
    readonly metadataSha256: string;
  };
  readonly tested: readonly Artefact[];
  readonly lab: {
    readonly driver: string;
    readonly fidelity: string;
    readonly goldenDigest: string;
    readonly profile: string;
    readonly planDigest: string;
  };
  readonly steps: readonly StepObservation[];
  /** Content address of the record of what happens without the patch, where it was needed. */
  readonly controlSha256?: string;
  /** The same run done again, because it had failed. */
  readonly repeats: readonly { readonly steps: readonly StepObservation[]; readonly failure: string | null }[];
  readonly evidence: readonly { readonly name: string; readonly sha256: string }[];
  readonly runId: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly issuedAt: string;
  readonly expiresAt: string;
}

/**
 * The in-toto Statement (v1) of a verdict: its subjects are the exact files that were tested, by SHA-256, so that it
 * says nothing about any other bytes, whatever their name. Its `testResult` says the same in in-toto's own words.
 * Source: in-toto/attestation, spec/v1/statement.md; canonical JSON by RFC 8785.
 */
export function verdictStatement(facts: VerdictFacts): Buffer {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: facts.tested.map((artefact) => ({
      name: artefact.fileName.split('/').at(-1),
      digest: { sha256: artefact.sha256 },
    })),
    predicateType: VERDICT_PREDICATE_TYPE,
    predicate: {
      verdict: facts.result,
      sentence: facts.sentence,
      reasons: facts.reasons,
      covered: facts.covered,
      notCovered: facts.notCovered,
      reversible: facts.reversible,
      cautions: facts.cautions,
      patch: facts.patch,
      lab: facts.lab,
      run: { id: facts.runId, startedAt: facts.startedAt, finishedAt: facts.finishedAt },
      testResult: testResultOf(facts),
      steps: facts.steps.map(stepFacts),
      ...(facts.controlSha256 === undefined ? {} : { control: { digest: { sha256: facts.controlSha256 } } }),
      repeats: facts.repeats.map(({ steps, failure }) => ({ failure, steps: steps.map(stepFacts) })),
      evidence: facts.evidence.map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
      issuedAt: facts.issuedAt,
      validUntil: facts.expiresAt,
    },
  };
  return Buffer.from(canonicalize(statement) ?? '', 'utf8');
}

/** What a statement says of a step; its checks and its log are in the evidence. */
const stepFacts = ({ step, ok, exitCode, durationMs, detail, logSha256, resources }: StepObservation): object => ({
  step,
  ok,
  exitCode,
  durationMs,
  detail,
  ...(logSha256 === undefined ? {} : { logSha256 }),
  ...(resources === undefined ? {} : { resources }),
});
