import { z } from 'zod';
import { exampleIds, pageOf, pageParameters, PlainText } from './api/page.js';
import { DsseEnvelope } from './device.js';
import { Sha256 } from './digest.js';

/** The chain that holds every entry of an installation. */
export const INSTALLATION_CHAIN = 'installation';
/** One chain of audit entries: the installation's, one MSP's or one tenant's (by its id). */
export const AuditChainName = z.union([z.literal(INSTALLATION_CHAIN), z.uuid()]);
export type AuditChainName = z.infer<typeof AuditChainName>;

/** What an entry says: who did what to which thing, when, why and from where. Before and after are in the detail. */
export const AuditContent = z.object({
  tenantId: z.uuid().nullable(),
  /** Whose it is when it concerns an MSP and no single tenant of it. */
  mspId: z.uuid().nullable().default(null),
  at: z.iso.datetime(),
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  why: z.string(),
  /** The address that the request came from; empty for work of the platform itself. */
  from: z.string(),
  /** The program that the request says it came from; empty as above, and in entries of formats 1 and 2. */
  userAgent: z.string().default(''),
  detail: z.record(z.string(), z.unknown()),
});
export type AuditContent = z.infer<typeof AuditContent>;

/** An entry in its place in a chain: `hash` covers all else in it, and the hash of the entry before. */
export const AuditLink = z.object({
  kind: z.literal('entry'),
  chain: AuditChainName,
  format: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  seq: z.int().positive(),
  previousHash: Sha256,
  hash: Sha256,
  /** In the installation's chain: the same entry's place in its tenant's, or from format 3 on its MSP's. */
  tenantSeq: z.int().positive().nullable(),
  tenantHash: Sha256.nullable(),
  content: AuditContent,
});
export type AuditLink = z.infer<typeof AuditLink>;

/** The end of a chain at a moment. */
export const AuditCheckpoint = z.object({
  chain: AuditChainName,
  seq: z.int().positive(),
  hash: Sha256,
  at: z.iso.datetime(),
});
export type AuditCheckpoint = z.infer<typeof AuditCheckpoint>;

/** A signed checkpoint: a DSSE envelope around an `AuditCheckpoint`. */
export const SignedAuditCheckpoint = z.object({ kind: z.literal('checkpoint'), envelope: DsseEnvelope });
export type SignedAuditCheckpoint = z.infer<typeof SignedAuditCheckpoint>;

/** An entry from before tenants had chains of their own: kept in the installation's chain only. */
export const EarlierAuditEntry = z.object({ kind: z.literal('earlier'), chain: AuditChainName, content: AuditContent });

/** One line of an export. */
export const AuditExportLine = z.discriminatedUnion('kind', [AuditLink, SignedAuditCheckpoint, EarlierAuditEntry]);
export type AuditExportLine = z.infer<typeof AuditExportLine>;

/** An entry as people read it. Its id is its hash: its number would tell a tenant how busy the others are. */
export const AuditEntry = AuditContent.extend({ id: Sha256 }).meta({
  id: 'AuditEntry',
  examples: [
    {
      id: 'c1f5b7a09d3e4f6a8b2c0d1e7f93a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5',
      tenantId: exampleIds.tenant,
      mspId: null,
      at: '2026-03-03T20:15:00.000Z',
      actor: `member:${exampleIds.policy}`,
      action: 'enrolment-token.create',
      subject: exampleIds.token,
      why: '',
      from: '192.0.2.10',
      userAgent: 'vouch/1.0',
      detail: { ring: 0 },
    },
  ],
});
export type AuditEntry = z.infer<typeof AuditEntry>;

export const AuditPage = pageOf(AuditEntry, 'AuditPage');
export type AuditPage = z.infer<typeof AuditPage>;

export const AuditQuery = z.strictObject({
  limit: pageParameters.limit,
  cursor: Sha256.optional().meta({ description: 'The `next` of the page before.' }),
  order: z.enum(['oldest', 'newest']).default('oldest').meta({ description: 'Which entries come first.' }),
  action: PlainText.min(1)
    .max(100)
    .optional()
    .meta({ description: 'Only what was done in this way.', examples: ['enrolment-token.create'] }),
  subject: PlainText.min(1).max(200).optional().meta({ description: 'Only what was done to this thing.' }),
  actor: PlainText.min(1)
    .max(200)
    .optional()
    .meta({ description: 'Only what this member, API key, device or program did.', examples: ['platform'] }),
  from: z.iso
    .datetime()
    .optional()
    .meta({ description: 'Only what happened then or later.', examples: ['2026-03-01T00:00:00Z'] }),
  to: z.iso
    .datetime()
    .optional()
    .meta({ description: 'Only what happened before.', examples: ['2026-04-01T00:00:00Z'] }),
});
