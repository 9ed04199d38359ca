import { DsseEnvelope, PlanStep, Sha256, type TrustDocument } from '@vouch/contracts';
import { z } from 'zod';
import { EnvelopeRejected, open, signersOf } from './dsse.js';
import { isTrusted } from './trust.js';
import { disagreements, TestResult } from './test-result.js';
import { STATEMENT_PAYLOAD_TYPE, VERDICT_PREDICATE_TYPE } from './verdict-statement.js';

/** Whose signature counts: public keys (SubjectPublicKeyInfo, PEM), or those that a followed trust document names. */
export type Believed = readonly string[] | TrustDocument;

/** A file that somebody has in hand: is it one that the verdict is about, or rests on? */
export interface FileInHand {
  readonly name: string;
  readonly sha256: string;
}

export interface Verification {
  /** `invalid`: not to be believed. `expired`: it was true and is too old to act on. */
  readonly state: 'valid' | 'expired' | 'invalid';
  /** Why, each a sentence; empty when it is valid. */
  readonly problems: string[];
  /** What the verdict says; null when it is not to be believed at all. */
  readonly says: {
    readonly verdict: 'pass' | 'fail' | 'inconclusive';
    readonly sentence: string;
    readonly reversible: boolean | null;
    readonly validUntil: string;
  } | null;
  /** The files in hand, and what each is to this verdict. */
  readonly files: (FileInHand & { readonly is: 'tested' | 'evidence' | 'unknown' })[];
}

const Digested = z.object({ name: z.string(), digest: z.object({ sha256: Sha256 }) });

const Statement = z.object({
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject: z.array(Digested),
  predicateType: z.literal(VERDICT_PREDICATE_TYPE),
  predicate: z.object({
    verdict: z.enum(['pass', 'fail', 'inconclusive']),
    sentence: z.string(),
    // Statements of before the way back was tested do not have it.
    reversible: z.boolean().nullable().default(null),
    cautions: z.array(z.string()).default([]),
    lab: z.object({ goldenDigest: z.string(), planDigest: z.string() }),
    steps: z.array(z.object({ step: PlanStep, ok: z.boolean() })),
    // Nor do statements of before it was added have this.
    testResult: TestResult.optional(),
    evidence: z.array(Digested),
    issuedAt: z.iso.datetime(),
    validUntil: z.iso.datetime(),
  }),
});

/**
 * Checks a verdict without asking anybody: who signed it, whether it still counts, and which of the given files it is
 * about. A file that it does not name makes it invalid: it would be no verdict on that file.
 * @param envelope as it was read: anything
 * @param believed plain keys count for ever; those of a trust document as long as they may sign verdicts, and nothing
 * of them once they are revoked
 */
export function verifyVerdict(
  envelope: unknown,
  believed: Believed,
  files: readonly FileInHand[],
  now: Date,
): Verification {
  const opened = openStatement(envelope, believed);
  if (typeof opened === 'string')
    return {
      state: 'invalid',
      problems: [opened],
      says: null,
      files: files.map((file) => ({ ...file, is: 'unknown' })),
    };
  const { subject, predicate } = opened;
  const known = (list: readonly z.infer<typeof Digested>[], { sha256 }: FileInHand): boolean =>
    list.some(({ digest }) => digest.sha256 === sha256);
  const judged = files.map((file) => ({
    ...file,
    is: known(subject, file)
      ? ('tested' as const)
      : known(predicate.evidence, file)
        ? ('evidence' as const)
        : ('unknown' as const),
  }));
  const strangers = judged
    .filter(({ is }) => is === 'unknown')
    .map(
      ({ name }) =>
        `The verdict says nothing about ${name}: other bytes were tested, or it is no evidence of this test.`,
    );
  const { verdict, sentence, reversible, issuedAt, validUntil } = predicate;
  const early = Date.parse(issuedAt) > now.getTime() ? [`It is dated ${issuedAt}, which has not come yet.`] : [];
  const late = Date.parse(validUntil) <= now.getTime() ? [`It was valid until ${validUntil}.`] : [];
  const wrong = [...strangers, ...early, ...inItself(predicate)];
  return {
    state: wrong.length > 0 ? 'invalid' : late.length > 0 ? 'expired' : 'valid',
    problems: [...wrong, ...late],
    says: { verdict, sentence, reversible, validUntil },
    files: judged,
  };
}

/** What a statement says twice, it has to say alike. */
function inItself({ testResult, verdict, ...rest }: z.infer<typeof Statement>['predicate']): string[] {
  if (testResult === undefined) return [];
  const steps = rest.steps.map((step) => ({ ...step, probes: [] }));
  return disagreements(testResult, { ...rest, result: verdict, steps });
}

/** @returns why it is not to be believed, if it is not */
function openStatement(envelope: unknown, believed: Believed): z.infer<typeof Statement> | string {
  const wellFormed = DsseEnvelope.safeParse(envelope);
  if (!wellFormed.success) return 'This is no DSSE envelope.';
  const named = 'roots' in believed ? believed.keys.map(({ publicKeyPem }) => publicKeyPem) : believed;
  try {
    const payload = open(wellFormed.data, STATEMENT_PAYLOAD_TYPE, named);
    const statement = Statement.safeParse(JSON.parse(payload.toString('utf8')));
    if (!statement.success) return 'It is signed, but it is no verdict on a patch.';
    const issuedAt = new Date(statement.data.predicate.issuedAt);
    const may = (keyId: string): boolean => !('roots' in believed) || isTrusted(believed, 'verdict', keyId, issuedAt);
    return [...signersOf(wellFormed.data, named)].some(may)
      ? statement.data
      : 'The key that signed it may not sign verdicts, or could not then, or was revoked.';
  } catch (error) {
    if (error instanceof EnvelopeRejected) return error.message;
    if (error instanceof SyntaxError) return 'It is signed, but what is signed is not JSON.';
    throw error;
  }
}
