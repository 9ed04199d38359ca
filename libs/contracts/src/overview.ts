import { z } from 'zod';
import { Sha256, Timestamp } from './digest.js';
import { overviewExample, runDetailExample } from './examples.js';
import { ProbeResult } from './lab.js';
import { PlanStep } from './profile.js';

export const Money = z.object({ amountMinor: z.int(), currency: z.string().length(3) });

export const SourceState = z.object({
  id: z.string(),
  title: z.string(),
  state: z.enum(['new', 'ok', 'stale', 'unverified', 'unreachable']),
  /** Why, in a sentence; empty when all is well. */
  reason: z.string(),
  lastVerifiedAt: Timestamp.nullable(),
  validUntil: Timestamp.nullable(),
});

export const RunnerState = z.object({
  name: z.string(),
  state: z.enum(['ready', 'preparing', 'unavailable', 'silent']),
  reason: z.string(),
  drivers: z.array(z.string()),
  lastSeenAt: Timestamp,
});

export const RunView = z.object({
  id: z.uuid(),
  state: z.enum(['queued', 'leased', 'running', 'reported', 'judged', 'cancelled']),
  attempt: z.int(),
  driver: z.string().nullable(),
  profile: z.string(),
  goldenDigest: Sha256,
  queuedAt: Timestamp,
  startedAt: Timestamp.nullable(),
  finishedAt: Timestamp.nullable(),
  steps: z.array(
    z.object({
      step: PlanStep,
      state: z.enum(['waiting', 'running', 'ok', 'red']),
      startedAt: Timestamp.nullable(),
      durationMs: z.int().nullable(),
      detail: z.string(),
      probes: z.array(ProbeResult),
    }),
  ),
});

export const VerdictView = z.object({
  id: z.uuid(),
  result: z.enum(['pass', 'fail', 'inconclusive']),
  sentence: z.string(),
  reasons: z.array(z.string()),
  covered: z.array(z.string()),
  notCovered: z.array(z.string()),
  /** Can it be taken back? null when that was not tested. */
  reversible: z.boolean().nullable(),
  /** What to know about a patch that passed. */
  cautions: z.array(z.string()),
  statementSha256: Sha256,
  keyId: z.string(),
  issuedAt: Timestamp,
  expiresAt: Timestamp,
});

export const PatchView = z.object({
  revisionId: z.uuid(),
  patch: z.string(),
  version: z.string(),
  sourceId: z.string(),
  /** Where it stands, for lists and colours. */
  stage: z.enum([
    'needed',
    'fetching',
    'waiting-for-lab',
    'testing',
    'passed',
    'rolling-out',
    'installed',
    'failed',
    'inconclusive',
    'held',
  ]),
  /** Why it stands there, in a sentence. */
  reason: z.string(),
  devicesNeeding: z.int(),
  devicesInstalled: z.int(),
  tenantsNeeding: z.int(),
  run: RunView.nullable(),
  verdict: VerdictView.nullable(),
  /** Distance from the lab to these machines: 1 is the same; null until there is a verdict. */
  coverage: z.object({ score: z.number(), notCovered: z.array(z.string()) }).nullable(),
  rings: z.array(
    z.object({
      ring: z.int(),
      state: z.enum(['closed', 'open', 'healthy', 'halted']),
      installed: z.int(),
      total: z.int(),
      reason: z.string(),
    }),
  ),
  cost: z
    .object({
      labSeconds: z.number(),
      total: Money,
      shares: z.array(z.object({ tenantId: z.uuid(), tenant: z.string(), share: Money })),
    })
    .nullable(),
});

export const DeviceView = z.object({
  id: z.uuid(),
  name: z.string(),
  ring: z.int(),
  lastSeenAt: Timestamp.nullable(),
  cohort: z.string(),
  /** One line for each patch that matters to this device. */
  patches: z.array(
    z.object({
      revisionId: z.uuid(),
      state: z.enum(['needed', 'offered', 'installed', 'failed', 'refused']),
      /** "Why is this patch not on this machine yet?" */
      reason: z.string(),
      installedVersion: z.string().nullable(),
    }),
  ),
});

export const TenantView = z.object({
  id: z.uuid(),
  name: z.string(),
  devices: z.array(DeviceView),
  statements: z.array(
    z.object({
      id: z.uuid(),
      period: z.string(),
      state: z.enum(['open', 'closed', 'invoiced', 'paid']),
      total: Money,
      invoiceId: z.string().nullable(),
      invoiceUrl: z.string().nullable(),
    }),
  ),
});

/** The console's one read model: everything that a signed-in member may see, at one moment. */
export const Overview = z
  .object({
    at: Timestamp,
    member: z.object({
      name: z.string(),
      email: z.string(),
      role: z.string(),
      actions: z.array(z.string()).meta({ description: 'What the member may do.' }),
    }),
    msp: z.string(),
    /** True when invoices go to the local stand-in and no money moves. */
    billingIsStandIn: z.boolean(),
    /** Things that need a person, each a sentence. */
    problems: z.array(z.string()),
    sources: z.array(SourceState),
    runners: z.array(RunnerState),
    goldens: z.array(
      z.object({
        profile: z.string(),
        state: z.enum(['wanted', 'building', 'ready', 'failed']),
        reason: z.string(),
        packages: z.int(),
      }),
    ),
    patches: z.array(PatchView),
    tenants: z.array(TenantView),
  })
  .meta({ id: 'Overview', examples: [overviewExample] });
export type Overview = z.infer<typeof Overview>;
export type PatchView = z.infer<typeof PatchView>;
export type RunView = z.infer<typeof RunView>;
export type VerdictView = z.infer<typeof VerdictView>;
export type TenantView = z.infer<typeof TenantView>;
export type DeviceView = z.infer<typeof DeviceView>;
export type SourceState = z.infer<typeof SourceState>;
export type RunnerState = z.infer<typeof RunnerState>;

/** `GET /api/v1/runs/:id`: one run with its evidence. */
export const RunDetail = z
  .object({
    run: RunView,
    patch: z.string(),
    version: z.string(),
    artefacts: z.array(
      z.object({ package: z.string(), version: z.string(), fileName: z.string(), sizeBytes: z.int(), sha256: Sha256 }),
    ),
    packageDiff: z.array(z.object({ package: z.string(), from: z.string().nullable(), to: z.string().nullable() })),
    fileDiff: z.array(z.object({ path: z.string(), change: z.string(), kind: z.string() })),
    evidence: z.array(z.object({ name: z.string(), mediaType: z.string(), sizeBytes: z.int(), sha256: Sha256 })),
    verdict: VerdictView.nullable(),
    /** The DSSE envelope, as signed. */
    envelope: z.unknown(),
  })
  .meta({ id: 'RunDetail', examples: [runDetailExample] });
export type RunDetail = z.infer<typeof RunDetail>;
