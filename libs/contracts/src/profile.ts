import { z } from 'zod';

/** One check of a machine's health, written by a technician. Runs inside the lab only. */
export const Probe = z.discriminatedUnion('type', [
  z.object({ type: z.literal('service'), name: z.string(), unit: z.string() }),
  z.object({
    type: z.literal('http'),
    name: z.string(),
    url: z.url(),
    status: z.int().default(200),
    contains: z.string().optional(),
  }),
  z.object({
    type: z.literal('tcp'),
    name: z.string(),
    port: z.int().min(1).max(65535),
    banner: z.string().optional(),
  }),
  z.object({ type: z.literal('command'), name: z.string(), command: z.string(), contains: z.string().optional() }),
]);
export type Probe = z.infer<typeof Probe>;

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
  'collect',
]);
export type PlanStep = z.infer<typeof PlanStep>;

/** The ordered steps of a test. */
export const TestPlan = z.object({ name: z.string(), steps: z.array(PlanStep).min(1) });
export type TestPlan = z.infer<typeof TestPlan>;
