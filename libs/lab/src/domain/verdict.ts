import type { Artefact, PlanStep, RunObservations, TestPlan } from '@vouch/contracts';
import { beyondTheLab, lackingCapabilities } from './capabilities.js';
import { patchFaults } from './patch-faults.js';
import { cautionOf } from './install-questions.js';
import { doubtsOfRepeats } from './repeats.js';
import { PROBING, redNames, stepOf } from './steps.js';
import { sentenceFor, testedByRun, untestedByRun } from './verdict-words.js';
import { wayBack } from './way-back.js';

/** What a run was asked to do. Observations of anything else are no answer. */
export interface VerdictRequest {
  readonly artefacts: readonly Artefact[];
  readonly goldenDigest: string;
  readonly plan: TestPlan;
}

export interface Verdict {
  readonly result: 'pass' | 'fail' | 'inconclusive';
  /** For the owner of a small business. */
  readonly sentence: string;
  /** Every reason why the result is not `pass`; empty for `pass`. */
  readonly reasons: string[];
  /** Can it be taken back? null when that was not tested. Says nothing about the result: see decision 13. */
  readonly reversible: boolean | null;
  /** What to know before approving a patch that passed, each a sentence. */
  readonly cautions: string[];
  readonly covered: string[];
  readonly notCovered: string[];
}

/**
 * Judges a patch by what a run saw, and by nothing else.
 *
 * `inconclusive` comes first: when the laboratory did not do exactly what was asked, or its machine was not healthy
 * before the patch, or the same run done again says something else, nothing that was seen says anything about the
 * patch. Then `fail`, for anything that got worse and does not get worse by itself. `pass` is what remains: every step
 * of the plan ran, and nothing got worse.
 */
export function verdict(observations: RunObservations, request: VerdictRequest): Verdict {
  const doubts = [...labFailures(observations), ...wrongSubject(observations, request), ...gaps(observations, request)];
  const { faults, alsoWithout } = patchFaults(observations, request.artefacts);
  doubts.push(...alsoWithout);
  if (doubts.length === 0 && faults.length > 0) doubts.push(...doubtsOfRepeats(observations, request.artefacts));
  const result = doubts.length > 0 ? 'inconclusive' : faults.length > 0 ? 'fail' : 'pass';
  const { reversible, cautions: ofWayBack } = wayBack(observations);
  const asked = (stepOf(observations.steps, 'apply')?.questions ?? []).map(cautionOf);
  return {
    result,
    sentence: sentenceFor(result, request.artefacts, [...doubts, ...faults], { asked, ofWayBack }),
    reasons: [...doubts, ...faults],
    reversible,
    cautions: [...asked, ...ofWayBack],
    covered: testedByRun(observations),
    notCovered: untestedByRun(observations),
  };
}

/** What is known about a run that no runner ever reported on: nothing. */
export function unobserved(goldenDigest: string, plan: TestPlan): RunObservations {
  return {
    driver: 'none',
    fidelity: 'reduced',
    capabilities: [],
    goldenDigest,
    plan,
    tested: [],
    steps: [],
    packageDiff: [],
    fileDiff: [],
    failure: {
      step: plan.steps[0] ?? 'restore',
      blame: 'lab',
      code: 'lab-unavailable',
      message: 'The lab lost this test again and again without an answer.',
    },
    labMilliseconds: 0,
  };
}

/** Was this the test that was asked for? */
function wrongSubject(observations: RunObservations, request: VerdictRequest): string[] {
  const reasons: string[] = [];
  if (observations.goldenDigest !== request.goldenDigest)
    reasons.push('The lab used another environment than the one that was asked for.');
  if (!samePlan(observations.plan, request.plan)) reasons.push('The lab followed another plan than the one asked for.');
  if (setOf(observations.tested) !== setOf(request.artefacts) || request.artefacts.length === 0)
    reasons.push('The files that were tested are not exactly the files of the patch.');
  const lacking = lackingCapabilities(observations, request.artefacts);
  if (lacking.length > 0) {
    const file = beyondTheLab(observations);
    const such = file === undefined ? '' : ` (such as ${file.path})`;
    reasons.push(`This kind of lab cannot exercise what the patch changes: ${lacking.join(', ')}${such}.`);
  }
  return reasons;
}

function labFailures({ failure }: RunObservations): string[] {
  return failure?.blame === 'lab' ? [`The lab could not finish the test (${failure.code}): ${failure.message}`] : [];
}

/** Steps that did not run or did not work, and checks that were not healthy, or not repeated. */
function gaps(observations: RunObservations, { plan }: VerdictRequest): string[] {
  const reasons: string[] = [];
  for (const step of plan.steps) {
    const count = observations.steps.filter((seen) => seen.step === step).length;
    if (count > 1) reasons.push(`The step "${step}" was reported more than once.`);
    if (count === 0 && !excused(observations, plan, step)) reasons.push(`The step "${step}" did not run.`);
  }
  const baseline = stepOf(observations.steps, 'baseline');
  if (baseline === undefined || baseline.probes.length === 0)
    reasons.push('The machine was not checked before the patch.');
  else if (!baseline.ok || baseline.probes.some((probe) => !probe.ok))
    reasons.push(`The machine was not healthy before the patch: ${redNames(baseline).join(', ') || baseline.detail}.`);
  for (const step of ['restore', 'collect'] as const) {
    const seen = stepOf(observations.steps, step);
    if (seen !== undefined && !seen.ok) reasons.push(`The lab's own step "${step}" failed: ${seen.detail}`);
  }
  for (const step of PROBING) {
    const seen = stepOf(observations.steps, step);
    // What ended the run in this step is the reason why its checks are missing.
    if (seen === undefined || observations.failure?.step === step) continue;
    const names = new Set(seen.probes.map((probe) => probe.name));
    const forgotten = (baseline?.probes ?? []).filter((probe) => !names.has(probe.name));
    if (forgotten.length > 0)
      reasons.push(`Checks were not repeated in "${step}": ${forgotten.map((probe) => probe.name).join(', ')}.`);
  }
  return reasons;
}

/** What ended a run early is the reason why later steps are missing. */
function excused({ failure }: RunObservations, plan: TestPlan, step: PlanStep): boolean {
  return failure !== null && plan.steps.indexOf(step) > plan.steps.indexOf(failure.step);
}

const samePlan = (a: TestPlan, b: TestPlan): boolean =>
  a.name === b.name && a.steps.join() === b.steps.join() && a.watchSeconds === b.watchSeconds;

const setOf = (artefacts: readonly Artefact[]): string =>
  artefacts
    .map(({ package: name, version, architecture, sha256 }) => [name, version, architecture, sha256].join(' '))
    .sort()
    .join('\n');
