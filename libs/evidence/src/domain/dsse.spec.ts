import { createSign, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Signer } from '../signer.port.js';
import { EnvelopeRejected, keyIdOf, open, seal } from './dsse.js';

function signer(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return {
    publicKeyPem,
    keyId: keyIdOf(publicKeyPem),
    sign: async (bytes) => createSign('sha256').update(bytes).sign(privateKey),
  };
}

describe('DSSE envelopes', () => {
  const ours = signer();
  const theirs = signer();

  it('open to the bytes that were sealed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(open(await seal('t', bytes, ours), 't', [ours.publicKeyPem]).equals(Buffer.from(bytes))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('are refused when a byte of the payload changes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 100 }), fc.nat(), async (bytes, at) => {
        const envelope = await seal('t', bytes, ours);
        const changed = Buffer.from(bytes);
        changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ 1;
        expect(() => open({ ...envelope, payload: changed.toString('base64') }, 't', [ours.publicKeyPem])).toThrow(
          EnvelopeRejected,
        );
      }),
      { numRuns: 50 },
    );
  });

  it('are refused when another key signed, even under our key id', async () => {
    const forged = await seal('t', Buffer.from('x'), theirs);
    expect(() => open(forged, 't', [ours.publicKeyPem])).toThrow(EnvelopeRejected);
    const renamed = { ...forged, signatures: forged.signatures.map((s) => ({ ...s, keyid: ours.keyId })) };
    expect(() => open(renamed, 't', [ours.publicKeyPem])).toThrow(EnvelopeRejected);
  });

  it('of one kind do not pass as another', async () => {
    const envelope = await seal('verdict', Buffer.from('x'), ours);
    expect(() => open(envelope, 'manifest', [ours.publicKeyPem])).toThrow(EnvelopeRejected);
    expect(() => open({ ...envelope, payloadType: 'manifest' }, 'manifest', [ours.publicKeyPem])).toThrow(
      EnvelopeRejected,
    );
  });
});
