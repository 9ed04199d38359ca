import { Sha256, type StepObservation } from '@vouch/contracts';
import { z } from 'zod';

/**
 * The fields of in-toto's test-result predicate, for programs that know it and not ours.
 * Source: in-toto/attestation, spec/predicates/test-result.md, v0.1.
 */
export const TestResult = z.object({
  result: z.enum(['PASSED', 'WARNED', 'FAILED']),
  configuration: z.array(z.object({ name: z.string(), digest: z.object({ sha256: Sha256 }) })),
  url: z.string().optional(),
  passedTests: z.array(z.string()),
  warnedTests: z.array(z.string()),
  failedTests: z.array(z.string()),
});
export type TestResult = z.infer<typeof TestResult>;

/** What a test result is made from. */
interface Tested {
  readonly result: 'pass' | 'fail' | 'inconclusive';
  readonly cautions: readonly string[];
  readonly lab: { readonly goldenDigest: string; readonly planDigest: string };
  readonly steps: readonly Pick<StepObservation, 'step' | 'ok' | 'probes'>[];
}

/** What these say is a caution and not a fault. */
const WARNING: readonly string[] = ['way-back', 'probe-after-way-back'];

/**
 * A verdict in in-toto's words. Inconclusive is a failure to them: who reads only this must not take it for a pass, even one with
 * warnings. Each step is a test of its own name, and each of its checks one of `step: check`.
 */
export function testResultOf({ result, cautions, lab, steps }: Tested): TestResult {
  const tests = steps.flatMap(({ step, ok, probes }) => [
    { step, name: step as string, ok },
    ...probes.map((probe) => ({ step, name: `${step}: ${probe.name}`, ok: probe.ok })),
  ]);
  const red = tests.filter(({ ok }) => !ok);
  return {
    result: resultFor(result, cautions),
    configuration: configurationOf(lab),
    passedTests: tests.filter(({ ok }) => ok).map(({ name }) => name),
    warnedTests: red.filter(({ step }) => WARNING.includes(step)).map(({ name }) => name),
    failedTests: red.filter(({ step }) => !WARNING.includes(step)).map(({ name }) => name),
  };
}

/** Where a test result says something else than the verdict in whose statement it stands, each a sentence. */
export function disagreements(said: TestResult, verdict: Tested): string[] {
  const problems: string[] = [];
  if (said.result !== resultFor(verdict.result, verdict.cautions))
    problems.push(`Its test result says ${said.result}, which is not what the verdict "${verdict.result}" means.`);
  if (JSON.stringify(said.configuration) !== JSON.stringify(configurationOf(verdict.lab)))
    problems.push('Its test result is about another environment or plan than the verdict.');
  if (verdict.result === 'pass' && said.failedTests.length > 0)
    problems.push(`Its test result has failures, and the verdict is a pass: ${said.failedTests.join(', ')}.`);
  for (const { step, ok } of verdict.steps) {
    const list = ok ? said.passedTests : WARNING.includes(step) ? said.warnedTests : said.failedTests;
    if (!list.includes(step)) problems.push(`Its test result and the verdict disagree about the step "${step}".`);
  }
  return problems;
}

function resultFor(result: Tested['result'], cautions: readonly string[]): TestResult['result'] {
  if (result !== 'pass') return 'FAILED';
  return cautions.length > 0 ? 'WARNED' : 'PASSED';
}

const configurationOf = ({ goldenDigest, planDigest }: Tested['lab']): TestResult['configuration'] => [
  { name: 'golden', digest: { sha256: goldenDigest } },
  { name: 'plan', digest: { sha256: planDigest } },
];
