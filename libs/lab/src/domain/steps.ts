import type { PlanStep, StepObservation } from '@vouch/contracts';

/** Steps whose checks the patch has to answer for. Those after the way back say whether it can be taken back. */
export const PROBING = ['probe-after-apply', 'probe-after-reboot'] as const;

export const stepOf = (steps: readonly StepObservation[], step: PlanStep): StepObservation | undefined =>
  steps.find((seen) => seen.step === step);

export const redNames = (step: StepObservation): string[] =>
  step.probes.filter((probe) => !probe.ok).map((probe) => probe.name);
