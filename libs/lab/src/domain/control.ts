import { createHash } from 'node:crypto';
import { PlanStep, Sha256, Timestamp } from '@vouch/contracts';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { DERIVED_CHECKS, type Finding, type Findings } from './derived-checks/index.js';

/** What a run of the same plan without the patch saw: everything that changes, or is red, by itself. */
export const ControlRecord = z.object({
  /** See {@link controlKey}. */
  key: Sha256,
  madeAt: Timestamp,
  /** By step and check. */
  findings: z.partialRecord(
    PlanStep,
    z.record(z.string(), z.array(z.object({ key: z.string(), detail: z.string(), amount: z.number().optional() }))),
  ),
  red: z.array(z.object({ step: PlanStep, name: z.string() })),
});
export type ControlRecord = z.infer<typeof ControlRecord>;

/** A control says something about runs on the same golden, by the same plan, with the same checks, and about no others. */
export function controlKey(goldenDigest: string, planDigest: string): string {
  const checks = DERIVED_CHECKS.map(({ name, script }) => [name, script]);
  return createHash('sha256')
    .update(canonicalize({ goldenDigest, planDigest, checks }) ?? '')
    .digest('hex');
}

const MAXIMUM_AGE_MS = 7 * 86_400_000;

/** A week-old control may no longer be right: the host's kernel and its pace change under it. */
export const isTooOld = (control: ControlRecord, now: Date): boolean =>
  now.getTime() - Date.parse(control.madeAt) > MAXIMUM_AGE_MS;

export const findingsOf = (control: ControlRecord, step: PlanStep, check: string): readonly Finding[] =>
  (control.findings[step]?.[check] ?? []).map(({ key, detail, amount }) => ({
    key,
    detail,
    ...(amount === undefined ? {} : { amount }),
  }));

/** A run's findings as a control keeps them. */
export function toRecord(
  key: string,
  madeAt: Date,
  findings: ReadonlyMap<PlanStep, Findings>,
  red: ControlRecord['red'],
): ControlRecord {
  const byStep = [...findings].map(([step, found]) => [
    step,
    Object.fromEntries([...found].filter(([, list]) => list.length > 0).map(([name, list]) => [name, [...list]])),
  ]);
  return ControlRecord.parse({ key, madeAt: madeAt.toISOString(), findings: Object.fromEntries(byStep), red });
}
