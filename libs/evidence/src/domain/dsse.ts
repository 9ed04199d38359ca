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
export async function seal(
  payloadType: string,
  payload: Uint8Array,
  ...signers: readonly [Signer, ...Signer[]]
): Promise<DsseEnvelope> {
  const bytes = Buffer.from(payload);
  const signed = dsse.preAuthEncoding(payloadType, bytes);
  const signatures = [];
  for (const signer of signers)
    signatures.push({ keyid: signer.keyId, sig: (await signer.sign(signed)).toString('base64') });
  return { payloadType, payload: bytes.toString('base64'), signatures };
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
  if (signersOf(envelope, trustedKeysPem).size === 0) throw new EnvelopeRejected('No trusted key signed the envelope.');
  return Buffer.from(envelope.payload, 'base64');
}

/** Which of some keys signed an envelope, by key id; each counts once, however often it signed. */
export function signersOf(envelope: DsseEnvelope, keysPem: readonly string[]): Set<string> {
  const signed = dsse.preAuthEncoding(envelope.payloadType, Buffer.from(envelope.payload, 'base64'));
  const keys = new Map(keysPem.map((pem) => [keyIdOf(pem), pem]));
  const holds = envelope.signatures.filter(({ keyid, sig }) => {
    const pem = keys.get(keyid);
    return pem !== undefined && verifySignature('sha256', signed, createPublicKey(pem), Buffer.from(sig, 'base64'));
  });
  return new Set(holds.map(({ keyid }) => keyid));
}
