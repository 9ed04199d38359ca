import { z } from 'zod';
import { DsseEnvelope } from './device.js';
import { Sha256 } from './digest.js';

/** The chain that holds every entry of an installation. */
export const INSTALLATION_CHAIN = 'installation';
/** One chain of audit entries: the installation's, or one tenant's (by its id). */
export const AuditChainName = z.union([z.literal(INSTALLATION_CHAIN), z.uuid()]);
export type AuditChainName = z.infer<typeof AuditChainName>;

/** What an entry says: who did what to which thing, when, why and from where. Before and after are in the detail. */
export const AuditContent = z.object({
  tenantId: z.uuid().nullable(),
  at: z.iso.datetime(),
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  why: z.string(),
  /** The address that the request came from; empty for work of the platform itself. */
  from: z.string(),
  detail: z.record(z.string(), z.unknown()),
});
export type AuditContent = z.infer<typeof AuditContent>;

/** An entry in its place in a chain: `hash` covers all else in it, and the hash of the entry before. */
export const AuditLink = z.object({
  kind: z.literal('entry'),
  chain: AuditChainName,
  format: z.union([z.literal(1), z.literal(2)]),
  seq: z.int().positive(),
  previousHash: Sha256,
  hash: Sha256,
  /** In the installation's chain: the same entry's place in its tenant's. */
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

/** One page of the trail as people read it; `next` goes into `after`, and is null at the end. */
export interface AuditPage {
  readonly entries: readonly (AuditContent & { readonly id: string })[];
  readonly next: string | null;
}
