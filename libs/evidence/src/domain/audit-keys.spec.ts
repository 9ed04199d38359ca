import { generateKeyPairSync, sign } from 'node:crypto';
import type { AuditLink, DsseEnvelope, TrustDocument } from '@vouch/contracts';
import { CHAIN_START, linkHash } from '@vouch/platform';
import { describe, expect, it } from 'vitest';
import type { Signer } from '../signer.port.js';
import { verifyAuditExport, wordsOf } from '../verify-audit-export.js';
import { sealCheckpoint } from './audit-checkpoint.js';
import { auditKeyGiven, auditKeysOf, joinAuditKeys, openHead } from './audit-keys.js';
import { keyIdOf } from './dsse.js';
import { firstTrust, renewed, revoked, rotated } from './trust-changes.js';

const newKey = (): Signer => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return { publicKeyPem, keyId: keyIdOf(publicKeyPem), sign: async (bytes) => sign('sha256', bytes, privateKey) };
};
const [root, first, second, other] = [newKey(), newKey(), newKey(), newKey()];
const on = (day: number): Date => new Date(Date.UTC(2026, 0, day));
const validity = (day: number) => ({ now: on(day), validDays: 300 });

/** The first key from day 1, the second from day 10 with 30 days for both, the first revoked on day 20. */
const log = (): TrustDocument[] => {
  const begun = firstTrust([root], 1, { manifest: other, verdict: other, audit: first }, '', validity(1));
  const changed = rotated(begun, 'audit', second, 30, validity(10));
  const ended = revoked(changed, first.keyId, validity(20));
  return [begun, changed, ended, renewed(ended, validity(25))];
};

/** A chain of some entries, and heads of it. */
const chain = '7d3f1c9e-5a64-4b0e-9d6f-0a2c4e6f8b10';
function entries(count: number): AuditLink[] {
  const links: AuditLink[] = [];
  for (let seq = 1; seq <= count; seq += 1) {
    const link: AuditLink = {
      kind: 'entry',
      chain,
      format: 2,
      seq,
      previousHash: links.at(-1)?.hash ?? CHAIN_START,
      hash: '',
      tenantSeq: null,
      tenantHash: null,
      content: {
        tenantId: chain,
        mspId: null,
        at: on(seq).toISOString(),
        actor: 'platform',
        action: 'test',
        subject: 's',
        why: '',
        from: '',
        userAgent: '',
        detail: {},
      },
    };
    links.push({ ...link, hash: linkHash(link) });
  }
  return links;
}
const links = entries(4);
const head = (signer: Signer, seq: number, day: number, hash = links[seq - 1]?.hash ?? ''): Promise<DsseEnvelope> =>
  sealCheckpoint({ chain, seq, hash, at: on(day).toISOString() }, signer);
const exported = (...heads: DsseEnvelope[]): string[] =>
  [...links, ...heads.map((envelope) => ({ kind: 'checkpoint', envelope }))].map((line) => JSON.stringify(line));
const keys = auditKeysOf(log());

describe('the key that signed the end of a chain', () => {
  it('is read from the log, with the time of its revocation', () => {
    expect(keys.map(({ keyId, revokedAt }) => [keyId, revokedAt])).toEqual([
      [first.keyId, on(20)],
      [second.keyId, null],
    ]);
  });

  it.each([
    ['in its time, and was revoked later', first, 15, null],
    ['when it was being revoked', first, 20, 'had been revoked at 2026-01-20'],
    ['after it was revoked', first, 30, 'had been revoked at 2026-01-20'],
    ['before it began', second, 9, 'began only at 2026-01-10'],
    ['in its time', second, 30, null],
    ['without being in the log', other, 15, 'no trusted key'],
  ])('signed %s', async (_what, signer, day, problem) => {
    const opened = openHead(await head(signer, 2, day), keys);
    if (problem !== null) expect('problem' in opened && opened.problem).toContain(problem);
    else expect(opened).toMatchObject({ checkpoint: { seq: 2 }, keyRevokedLater: signer === first });
  });

  it('ends with its overlap when it was replaced in peace', async () => {
    const peaceful = auditKeysOf(log().slice(0, 2));
    expect(openHead(await head(first, 2, 39), peaceful)).toMatchObject({ keyRevokedLater: false });
    expect(openHead(await head(first, 2, 41), peaceful)).toMatchObject({
      problem: expect.stringContaining('had ended') as string,
    });
  });

  it('counts at any time when somebody vouches for it, unless the log says otherwise', async () => {
    const named = [first, other].map(({ publicKeyPem }) => auditKeyGiven(publicKeyPem));
    expect(openHead(await head(first, 2, 30), named)).toMatchObject({ keyRevokedLater: false });
    const joined = joinAuditKeys(keys, named);
    expect(openHead(await head(other, 2, 30), joined)).toMatchObject({ keyRevokedLater: false });
    expect(openHead(await head(first, 2, 30), joined)).toHaveProperty('problem');
  });
});

describe('an export that several keys signed', () => {
  it('is whole through a rotation and a revocation', async () => {
    const report = verifyAuditExport(exported(await head(first, 2, 15), await head(second, 4, 21)), keys);
    expect(report).toMatchObject({ broken: null, refused: [], weak: [], chains: [{ entries: 4, signedUpTo: 4 }] });
  });

  it('says so when a key alone signed it that was revoked later', async () => {
    const report = verifyAuditExport(exported(await head(first, 4, 15)), keys);
    expect(report).toMatchObject({ broken: null, weak: [chain] });
    expect(wordsOf(report).join()).toContain('by a key alone that was revoked later');
  });

  it('is not whole by a head that a revoked key signed, until a key that counts signed as far', async () => {
    const late = await head(first, 4, 22);
    expect(verifyAuditExport(exported(late), keys).broken?.problem).toContain('had been revoked');
    expect(verifyAuditExport(exported(late, await head(second, 3, 23)), keys).broken).not.toBeNull();
    const report = verifyAuditExport(exported(late, await head(second, 4, 23)), keys);
    expect(report).toMatchObject({ broken: null, refused: [{ claimed: { seq: 4 } }] });
    expect(wordsOf(report).join()).toContain('Not counted');
  });

  it('is not shaken by a head of another past that a stolen key dated back, once another key signed', async () => {
    const lie = await head(first, 4, 15, 'f'.repeat(64));
    expect(verifyAuditExport(exported(lie), keys).broken).toMatchObject({ seq: 4 });
    expect(verifyAuditExport(exported(await head(second, 4, 23), lie), keys).broken).toBeNull();
  });

  it('is broken by a head of a key that nobody knows, whoever else signed', async () => {
    const report = verifyAuditExport(exported(await head(second, 4, 23), await head(other, 2, 15)), keys);
    expect(report.broken?.problem).toContain('no trusted key');
  });
});
