import { z } from 'zod';
import { Probe } from './probe.js';

/** A declared lab environment. A golden is built from it and addressed by its content. */
export const Profile = z.object({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  title: z.string().min(1),
  /** OS stream, e.g. `debian-12-amd64`. */
  stream: z.string().min(1),
  /** Binary packages to install from the release suite; a version pins one. */
  components: z.array(z.object({ package: z.string().min(1), version: z.string().optional() })).min(1),
  /** Files written into the golden after the components are installed. */
  files: z
    .array(z.object({ path: z.string().startsWith('/'), content: z.string(), mode: z.string().default('0644') }))
    .default([]),
  /** Commands for `sh` that fill the golden once, when it is built: data, accounts, certificates. No service runs then. */
  seed: z.array(z.string().min(1)).default([]),
  probes: z.array(Probe).default([]),
});
export type Profile = z.infer<typeof Profile>;

export const PlanStep = z.enum([
  'restore',
  'baseline',
  'apply',
  'probe-after-apply',
  'reboot',
  'probe-after-reboot',
  'way-back',
  'probe-after-way-back',
  'collect',
]);
export type PlanStep = z.infer<typeof PlanStep>;

/** The ordered steps of a test. */
export const TestPlan = z.object({
  name: z.string(),
  steps: z.array(PlanStep).min(1),
  /** How long the machine is left alone after its restart before the last look; what takes longer to break is not seen. */
  watchSeconds: z.int().min(0).max(3600).optional(),
});
export type TestPlan = z.infer<typeof TestPlan>;
