import canonicalize from 'canonicalize';
import { AuditCheckpoint, type DsseEnvelope } from '@vouch/contracts';
import type { Signer } from '../signer.port.js';
import { open, seal } from './dsse.js';

export const CHECKPOINT_PAYLOAD_TYPE = 'application/vnd.vouch.audit-checkpoint+json';

/** Signs where a chain of the audit trail ends: who holds the database but not the key cannot say it anew. */
export async function sealCheckpoint(checkpoint: AuditCheckpoint, signer: Signer): Promise<DsseEnvelope> {
  return seal(CHECKPOINT_PAYLOAD_TYPE, Buffer.from(canonicalize(checkpoint) ?? ''), signer);
}

/**
 * @param trustedKeysPem public keys of which one must have signed
 * @throws EnvelopeRejected
 */
export function openCheckpoint(envelope: DsseEnvelope, trustedKeysPem: readonly string[]): AuditCheckpoint {
  return AuditCheckpoint.parse(JSON.parse(open(envelope, CHECKPOINT_PAYLOAD_TYPE, trustedKeysPem).toString('utf8')));
}
