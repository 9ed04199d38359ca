import { z } from 'zod';
import { DsseEnvelope } from '../device.js';
import { Artefact, Sha256, Timestamp } from '../digest.js';
import { exampleIds as id, exampleSha256, pageOf, pageParameters, PlainText } from './page.js';

const ofPatch = { revisionId: z.uuid(), patch: z.string(), version: z.string() };
export const exampleOfPatch = { revisionId: id.revision, patch: 'nginx', version: '1.22.1-9+deb12u2' };

const patch = {
  ...exampleOfPatch,
  sourceId: 'debian-12-amd64-security',
  state: 'offered' as const,
  reason: '',
  firstSeenAt: '2026-01-06T06:00:00.000Z',
};
export const Patch = z
  .object({
    ...ofPatch,
    sourceId: z.string(),
    state: z
      .enum(['offered', 'replaced', 'vanished', 'suspect'])
      .meta({ description: "Where it stands in the vendor's feed." }),
    reason: z.string().meta({ description: 'Why it is no longer offered; empty while it is.' }),
    firstSeenAt: Timestamp,
  })
  .meta({
    id: 'Patch',
    description: 'One revision of a vendor patch that machines of yours need or needed.',
    examples: [patch],
  });
export type Patch = z.infer<typeof Patch>;
export const PatchPage = pageOf(Patch, 'PatchPage');
export const PatchQuery = z.strictObject({
  ...pageParameters,
  patch: PlainText.max(200).optional(),
  sourceId: PlainText.max(200).optional(),
  state: z.enum(['offered', 'replaced', 'vanished', 'suspect']).optional(),
});

const artefact = {
  package: 'nginx',
  version: '1.22.1-9+deb12u2',
  architecture: 'amd64',
  fileName: 'pool/updates/main/n/nginx/nginx_1.22.1-9+deb12u2_amd64.deb',
  sizeBytes: 527_340,
  sha256: exampleSha256,
};
export const PatchDetail = Patch.extend({ artefacts: z.array(Artefact) }).meta({
  id: 'PatchDetail',
  examples: [{ ...patch, artefacts: [artefact] }],
});
export type PatchDetail = z.infer<typeof PatchDetail>;

export const TestRun = z
  .object({
    id: z.uuid(),
    ...ofPatch,
    profile: z.string(),
    goldenDigest: Sha256,
    driver: z.string().nullable(),
    state: z.enum(['queued', 'leased', 'running', 'reported', 'judged', 'cancelled']),
    attempt: z.int().nonnegative(),
    result: z.enum(['pass', 'fail', 'inconclusive']).nullable(),
    queuedAt: Timestamp,
    startedAt: Timestamp.nullable(),
    finishedAt: Timestamp.nullable(),
  })
  .meta({
    id: 'TestRun',
    description: 'One execution of a test plan. `GET /api/v1/runs/{id}` shows its steps and evidence.',
    examples: [
      {
        id: id.run,
        ...exampleOfPatch,
        profile: 'Web server with database',
        goldenDigest: exampleSha256,
        driver: 'sandbox',
        state: 'judged',
        attempt: 1,
        result: 'pass',
        queuedAt: '2026-01-06T06:01:00.000Z',
        startedAt: '2026-01-06T06:01:02.000Z',
        finishedAt: '2026-01-06T06:01:13.000Z',
      },
    ],
  });
export type TestRun = z.infer<typeof TestRun>;
export const TestRunPage = pageOf(TestRun, 'TestRunPage');
export const TestRunQuery = z.strictObject({
  ...pageParameters,
  revisionId: z.uuid().optional(),
  state: TestRun.shape.state.optional(),
});

const verdict = {
  id: id.verdict,
  runId: id.run,
  ...exampleOfPatch,
  result: 'pass' as const,
  sentence: 'Passed: everything that worked before works after the patch and after a reboot.',
  reasons: ['All probes are green after the patch'],
  covered: ['nginx answers on port 80'],
  notCovered: ['kernel'],
  goldenDigest: exampleSha256,
  statementSha256: exampleSha256,
  keyId: exampleSha256,
  issuedAt: '2026-01-06T06:01:14.000Z',
  expiresAt: '2026-02-05T06:01:14.000Z',
};
export const Verdict = z
  .object({
    id: z.uuid(),
    runId: z.uuid(),
    ...ofPatch,
    result: z.enum(['pass', 'fail', 'inconclusive']),
    sentence: z.string(),
    reasons: z.array(z.string()),
    covered: z.array(z.string()),
    notCovered: z.array(z.string()),
    goldenDigest: Sha256,
    statementSha256: Sha256,
    keyId: z.string(),
    issuedAt: Timestamp,
    expiresAt: Timestamp,
  })
  .meta({ id: 'Verdict', description: 'What was found, signed.', examples: [verdict] });
export type Verdict = z.infer<typeof Verdict>;
export const VerdictPage = pageOf(Verdict, 'VerdictPage');
export const VerdictQuery = z.strictObject({
  ...pageParameters,
  revisionId: z.uuid().optional(),
  runId: z.uuid().optional(),
  result: Verdict.shape.result.optional(),
});
export const VerdictDetail = Verdict.extend({
  envelope: DsseEnvelope.meta({ description: 'The in-toto statement as it was signed: a DSSE envelope.' }),
}).meta({
  id: 'VerdictDetail',
  examples: [
    {
      ...verdict,
      envelope: {
        payloadType: 'application/vnd.in-toto+json',
        payload: 'eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEifQ==',
        signatures: [{ keyid: exampleSha256, sig: 'MEUCIQD3' }],
      },
    },
  ],
});
export type VerdictDetail = z.infer<typeof VerdictDetail>;
