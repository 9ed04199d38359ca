import { generateKeyPairSync, sign } from 'node:crypto';
import { TRUST_PAYLOAD_TYPE, type DsseEnvelope, type TrustDocument } from '@vouch/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Signer } from '../signer.port.js';
import { keyIdOf, seal } from './dsse.js';
import { activeKey, followTrust, isTrusted, trustBytes, TrustRejected } from './trust.js';

const newKey = (): Signer => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return { publicKeyPem, keyId: keyIdOf(publicKeyPem), sign: async (bytes) => sign('sha256', bytes, privateKey) };
};
const [a, b, c, stranger, manifestKey] = [newKey(), newKey(), newKey(), newKey(), newKey()];
const rootOf = ({ keyId, publicKeyPem }: Signer) => ({ keyId, publicKeyPem });
const at = (day: number): string => new Date(Date.UTC(2026, 0, day)).toISOString();

const document = (
  version: number,
  roots: Signer[],
  threshold = 1,
  changes: Partial<TrustDocument> = {},
): TrustDocument => ({
  version,
  issuedAt: at(1),
  expires: at(90),
  roots: { threshold, keys: roots.map(rootOf) },
  keys: [{ purpose: 'manifest', ...rootOf(manifestKey), from: at(1), until: null, revoked: false }],
  aptKeyring: 'keys',
  ...changes,
});
const signed = (trust: TrustDocument, first: Signer, ...more: Signer[]): Promise<DsseEnvelope> =>
  seal(TRUST_PAYLOAD_TYPE, trustBytes(trust), first, ...more);
const pin = [a, b, c].map((key) => key.keyId);

describe('following trust documents', () => {
  it('begins with one whose roots were pinned, and goes on version by version', async () => {
    const first = followTrust(null, await signed(document(1, [a]), a), pin);
    const second = followTrust(first, await signed(document(2, [a]), a));
    expect(second.version).toBe(2);
  });

  it('changes roots when the old and the new ones signed', async () => {
    const first = followTrust(null, await signed(document(1, [a]), a), pin);
    expect(followTrust(first, await signed(document(2, [b]), a, b)).roots.keys).toEqual([rootOf(b)]);
  });

  const refused: [string, () => Promise<DsseEnvelope>, string][] = [
    ['the same version again', () => signed(document(1, [a]), a), 'version 1, not 2'],
    ['a version left out', () => signed(document(3, [a]), a), 'version 3, not 2'],
    ['signed by a stranger', () => signed(document(2, [a]), stranger), '0 of its own roots'],
    ['new roots that nobody of the old ones signed', () => signed(document(2, [b]), b), '0 of the present roots'],
    ['old roots alone for new ones', () => signed(document(2, [b]), a), '0 of its own roots'],
    ['one of two needed', () => signed(document(2, [a, b], 2), a), '1 of its own roots'],
    ['one root signing twice for two', () => signed(document(2, [a, b], 2), a, a), '1 of its own roots'],
    ['a root that is named twice', () => signed(document(2, [a, a], 2), a), 'names a root twice'],
    ['more roots wanted than named', () => signed(document(2, [a], 2), a), 'more roots than it names'],
    [
      'a key under a digest of another',
      () => signed(document(2, [a], 1, { keys: [{ ...document(2, [a]).keys[0]!, keyId: b.keyId }] }), a),
      'not its own',
    ],
    [
      'signed for another purpose',
      () => seal('application/vnd.in-toto+json', trustBytes(document(2, [a])), a),
      'not a trust document',
    ],
    ['no trust document', () => seal(TRUST_PAYLOAD_TYPE, Buffer.from('{}'), a), 'not a trust document'],
  ];
  it.each(refused)('refuses %s', async (_what, make, reason) => {
    const first = followTrust(null, await signed(document(1, [a]), a), pin);
    const envelope = await make();
    expect(() => followTrust(first, envelope)).toThrow(TrustRejected);
    expect(() => followTrust(first, envelope)).toThrow(reason);
  });

  it('refuses a first document whose roots were not pinned', async () => {
    const envelope = await signed(document(1, [stranger]), stranger);
    expect(() => followTrust(null, envelope, pin)).toThrow('not pinned');
  });

  it('is never moved by fewer roots than the present ones ask for, whoever signs', async () => {
    const all = [a, b, c, stranger];
    const subset = fc.subarray([0, 1, 2, 3], { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), subset, subset, async (threshold, newRoots, signers) => {
        const present = document(1, [a, b, c], threshold);
        const next = document(
          2,
          newRoots.map((i) => all[i]!),
          1,
        );
        const [first = a, ...more] = signers.map((i) => all[i]!);
        const envelope = await signed(next, first, ...more);
        const enough = signers.filter((i) => i < 3).length >= threshold && signers.some((i) => newRoots.includes(i));
        if (enough) expect(followTrust(present, envelope)).toEqual(next);
        else expect(() => followTrust(present, envelope)).toThrow(TrustRejected);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a key of a trust document', () => {
  const key = { purpose: 'manifest' as const, ...rootOf(manifestKey), from: at(10), until: at(20), revoked: false };
  const trust = document(1, [a], 1, { keys: [key] });
  it.each([
    [9, false],
    [10, true],
    [20, true],
    [21, false],
  ])('on day %i is believed: %s', (day, believed) => {
    expect(isTrusted(trust, 'manifest', manifestKey.keyId, new Date(at(day)))).toBe(believed);
  });

  it('is believed for its own purpose only, and for nothing once it is revoked', () => {
    const day = new Date(at(15));
    expect(isTrusted(trust, 'verdict', manifestKey.keyId, day)).toBe(false);
    const revoked = { ...trust, keys: [{ ...key, revoked: true }] };
    expect(isTrusted(revoked, 'manifest', manifestKey.keyId, day)).toBe(false);
  });

  it('signs now when it is the newest that has begun', () => {
    const newer = { ...key, ...rootOf(b), from: at(14), until: null };
    const both = { ...trust, keys: [key, newer] };
    expect(activeKey(both, 'manifest', new Date(at(12)))?.keyId).toBe(manifestKey.keyId);
    expect(activeKey(both, 'manifest', new Date(at(15)))?.keyId).toBe(b.keyId);
    expect(activeKey(both, 'audit', new Date(at(15)))).toBeUndefined();
  });
});
