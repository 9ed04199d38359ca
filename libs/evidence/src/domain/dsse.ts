import { createHash, createPublicKey, verify as verifySignature } from 'node:crypto';
import type { DsseEnvelope } from '@vouch/contracts';
import { dsse } from '@sigstore/core';
import type { Signer } from '../signer.port.js';

/** An envelope that no trusted key signed, or that is not of the kind that was asked for. */
export class EnvelopeRejected extends Error {
  readonly code = 'envelope-rejected';
}

/** SHA-256 of a public key's SubjectPublicKeyInfo: how envelopes name keys. */
export function keyIdOf(publicKeyPem: string): string {
  const der = createPublicKey(publicKeyPem).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex');
}

/**
 * Wraps a payload in a DSSE envelope (secure-systems-lab/dsse, v1.0.2): the signature covers type and bytes, so that a
 * statement of one kind can never pass as another.
 */
export async function seal(payloadType: string, payload: Uint8Array, signer: Signer): Promise<DsseEnvelope> {
  const bytes = Buffer.from(payload);
  const signature = await signer.sign(dsse.preAuthEncoding(payloadType, bytes));
  return {
    payloadType,
    payload: bytes.toString('base64'),
    signatures: [{ keyid: signer.keyId, sig: signature.toString('base64') }],
  };
}

/**
 * Opens an envelope: checks its type and that one of the trusted keys signed it.
 *
 * @param trustedKeysPem public keys (SubjectPublicKeyInfo, PEM) of which one must have signed
 * @returns the payload's bytes, only when the signature holds
 * @throws EnvelopeRejected
 */
export function open(envelope: DsseEnvelope, payloadType: string, trustedKeysPem: readonly string[]): Buffer {
  if (envelope.payloadType !== payloadType) {
    throw new EnvelopeRejected(`The envelope holds ${envelope.payloadType}, not ${payloadType}.`);
  }
  const payload = Buffer.from(envelope.payload, 'base64');
  const signed = dsse.preAuthEncoding(envelope.payloadType, payload);
  const keys = new Map(trustedKeysPem.map((pem) => [keyIdOf(pem), pem]));
  const holds = envelope.signatures.some(({ keyid, sig }) => {
    const pem = keys.get(keyid);
    return pem !== undefined && verifySignature('sha256', signed, createPublicKey(pem), Buffer.from(sig, 'base64'));
  });
  if (!holds) throw new EnvelopeRejected('No trusted key signed the envelope.');
  return payload;
}
