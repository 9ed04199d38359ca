import { z } from 'zod';
import { Timestamp } from '../digest.js';
import { exampleIds as id, pageOf, pageParameters, PlainText } from './page.js';
import { exampleOfPatch } from './patches.js';

/** The rules of a policy. A waiver is not a rule: it is an audited act of a person. */
export const PolicyRules = z.object({
  /** Below this distance from the lab to the machines nothing is approved. */
  minimumCoverage: z.number().min(0).max(1),
  /** Accept verdicts from a driver of reduced fidelity? */
  acceptReducedFidelity: z.boolean(),
  /** Approve what passed but cannot be taken back, so that a recall would be a repair? Yes, unless this says no. */
  acceptIrreversible: z.boolean().optional(),
  /** How long after the verdict ring 0 may install. */
  delayMinutes: z.int().min(0).max(525_600),
  /** Number of rings, low impact first. */
  rings: z.int().min(1).max(10),
  /** How long machines of a ring must be well before the next opens. */
  soakSeconds: z.int().min(0).max(31_536_000),
});
export type PolicyRules = z.infer<typeof PolicyRules>;

const rules: PolicyRules = {
  minimumCoverage: 0.6,
  acceptReducedFidelity: false,
  acceptIrreversible: true,
  delayMinutes: 0,
  rings: 2,
  soakSeconds: 3600,
};
const Why = PlainText.min(1).max(500);
const change = { rules, why: 'Two customers want a quiet hour between the rings' };

export const Policy = z
  .object({
    id: z.uuid(),
    name: z.string(),
    version: z.int().positive().meta({ description: 'Grows with each change; give it as `If-Match`.' }),
    rules: PolicyRules,
    changedAt: Timestamp.nullable(),
    tenants: z.int().nonnegative().meta({ description: 'How many customers it decides for.' }),
  })
  .meta({
    id: 'Policy',
    examples: [
      {
        id: id.policy,
        name: 'Tested, low-impact machines first',
        version: 2,
        rules,
        changedAt: '2026-01-06T06:00:00.000Z',
        tenants: 3,
      },
    ],
  });
export type Policy = z.infer<typeof Policy>;
export const PolicyPage = pageOf(Policy, 'PolicyPage');
export const PolicyQuery = z.strictObject({ ...pageParameters });
export const PolicyChange = z
  .strictObject({ rules: z.strictObject(PolicyRules.shape), why: Why })
  .meta({ id: 'PolicyChange', examples: [change] });
export type PolicyChange = z.infer<typeof PolicyChange>;

const ordered = { why: Why, by: z.string(), since: Timestamp };
const ofPatch = { revisionId: z.uuid(), patch: z.string(), version: z.string() };
const said = {
  why: 'It breaks the till program of two customers',
  by: 'Technician',
  since: '2026-01-06T07:00:00.000Z',
};

export const Hold = z
  .object({ id: z.uuid(), ...ofPatch, ...ordered })
  .meta({ id: 'Hold', examples: [{ id: id.approval, ...exampleOfPatch, ...said }] });
export type Hold = z.infer<typeof Hold>;
export const HoldPage = pageOf(Hold, 'HoldPage');
export const HoldQuery = z.strictObject({ ...pageParameters, revisionId: z.uuid().optional() });
export const NewHold = z
  .strictObject({ revisionId: z.uuid(), why: Why })
  .meta({ id: 'NewHold', examples: [{ revisionId: id.revision, why: said.why }] });
export type NewHold = z.infer<typeof NewHold>;

export const Waiver = z.object({ id: z.uuid(), verdictId: z.uuid(), ...ofPatch, ...ordered, until: Timestamp }).meta({
  id: 'Waiver',
  examples: [{ id: id.approval, verdictId: id.verdict, ...exampleOfPatch, ...said, until: '2026-01-13T07:00:00.000Z' }],
});
export type Waiver = z.infer<typeof Waiver>;
export const WaiverPage = pageOf(Waiver, 'WaiverPage');
export const WaiverQuery = z.strictObject({ ...pageParameters, verdictId: z.uuid().optional() });
export const NewWaiver = z
  .strictObject({
    verdictId: z.uuid(),
    why: Why,
    days: z.int().min(1).max(30).meta({ description: 'For how long; never longer than the verdict counts.' }),
  })
  .meta({
    id: 'NewWaiver',
    examples: [{ verdictId: id.verdict, why: 'The check that failed is one of our own', days: 7 }],
  });
export type NewWaiver = z.infer<typeof NewWaiver>;
