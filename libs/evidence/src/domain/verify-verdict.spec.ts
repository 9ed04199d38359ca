import { createSign, generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DsseEnvelope, TrustDocument, TrustedKey } from '@vouch/contracts';
import type { Signer } from '../signer.port.js';
import { keyIdOf, seal } from './dsse.js';
import { STATEMENT_PAYLOAD_TYPE, verdictStatement } from './verdict-statement.js';
import { verifyVerdict, type Believed } from './verify-verdict.js';

function signer(): Signer & { publicKeyPem: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const sign = async (bytes: Uint8Array) => createSign('sha256').update(bytes).sign(privateKey);
  return { publicKeyPem, keyId: keyIdOf(publicKeyPem), sign };
}

const step = (name: 'apply' | 'way-back', ok: boolean) => ({
  step: name,
  startedAt: '2026-01-02T00:00:00.000Z',
  durationMs: 1,
  exitCode: 0,
  ok,
  detail: '',
  probes: [],
});
const [tested, proof, other] = ['a', 'b', 'c'].map((digit) => digit.repeat(64));
const statement = verdictStatement({
  result: 'pass',
  sentence: 'It works.',
  reasons: [],
  covered: [],
  notCovered: [],
  reversible: false,
  cautions: ['It cannot simply be taken back.'],
  patch: { source: 's', externalId: 'nginx', version: '2', revisionId: 'r', metadataSha256: 'd'.repeat(64) },
  tested: [
    {
      package: 'nginx',
      version: '2',
      architecture: 'amd64',
      fileName: 'pool/nginx_2.deb',
      sizeBytes: 1,
      sha256: tested ?? '',
    },
  ],
  lab: {
    driver: 'sandbox',
    fidelity: 'full',
    goldenDigest: 'e'.repeat(64),
    profile: 'web',
    planDigest: 'f'.repeat(64),
  },
  steps: [step('apply', true), step('way-back', false)],
  repeats: [],
  evidence: [{ name: 'apply.log', sha256: proof ?? '' }],
  runId: 'run',
  startedAt: '2026-01-02T00:00:00.000Z',
  finishedAt: '2026-01-02T00:01:00.000Z',
  issuedAt: '2026-01-02T00:02:00.000Z',
  expiresAt: '2026-02-01T00:00:00.000Z',
});

describe('verifyVerdict', () => {
  const ours = signer();
  const theirs = signer();
  const now = new Date('2026-01-10T00:00:00Z');
  let envelope: DsseEnvelope;
  beforeAll(async () => {
    envelope = await seal(STATEMENT_PAYLOAD_TYPE, statement, ours);
  });
  const check = (given: unknown, { keys = [ours.publicKeyPem] as Believed, files = [] as string[], at = now } = {}) =>
    verifyVerdict(
      given,
      keys,
      files.map((sha256) => ({ name: sha256.slice(0, 2), sha256 })),
      at,
    );

  it('believes what a trusted key signed, and says what it says', () => {
    const verification = check(envelope, { files: [tested ?? '', proof ?? ''] });
    expect(verification).toMatchObject({ state: 'valid', problems: [], says: { verdict: 'pass', reversible: false } });
    expect(verification.files.map(({ is }) => is)).toEqual(['tested', 'evidence']);
  });

  it('is invalid for bytes that it does not name', () => {
    expect(check(envelope, { files: [tested ?? '', other ?? ''] })).toMatchObject({
      state: 'invalid',
      problems: [expect.stringContaining('cc')],
    });
  });

  it.each([
    ['expired', '2026-02-01T00:00:00Z', 'valid until'],
    ['invalid', '2026-01-01T00:00:00Z', 'not come yet'],
  ])('is %s on %s', (state, at, why) => {
    expect(check(envelope, { at: new Date(at) })).toMatchObject({ state, problems: [expect.stringContaining(why)] });
  });

  it('is invalid when nobody trusted signed it, whatever it says', () => {
    expect(check(envelope, { keys: [theirs.publicKeyPem] })).toMatchObject({ state: 'invalid', says: null });
    expect(check(envelope, { keys: [] })).toMatchObject({ state: 'invalid', says: null });
  });

  describe('with a trust document', () => {
    const trust = (change: Partial<TrustedKey>): TrustDocument => {
      const { keyId, publicKeyPem } = ours;
      const key = { purpose: 'verdict', keyId, publicKeyPem, from: '2026-01-01T00:00:00Z', until: null } as const;
      const roots = { threshold: 1, keys: [{ keyId, publicKeyPem }] };
      const dates = { issuedAt: '2026-01-01T00:00:00Z', expires: '2027-01-01T00:00:00Z' };
      return { version: 1, ...dates, roots, keys: [{ ...key, revoked: false, ...change }], aptKeyring: '' };
    };

    it.each<[string, Partial<TrustedKey>]>([
      ['signs', {}],
      ['signed before it was replaced', { until: '2026-01-03T00:00:00Z' }],
    ])('believes a key that %s', (_, change) => {
      expect(check(envelope, { keys: trust(change) })).toMatchObject({ state: 'valid' });
    });

    it.each<[string, Partial<TrustedKey>]>([
      ['was revoked', { revoked: true }],
      ['had been replaced before', { until: '2026-01-02T00:00:00Z' }],
      ['had not begun', { from: '2026-01-03T00:00:00Z' }],
      ['is for something else', { purpose: 'manifest' }],
    ])('does not believe a key that %s', (_, change) => {
      expect(check(envelope, { keys: trust(change) })).toMatchObject({ state: 'invalid', says: null });
    });
  });

  it('is invalid when a word of it was changed', () => {
    const forged = Buffer.from(statement.toString().replace('It works.', 'It works!')).toString('base64');
    expect(check({ ...envelope, payload: forged })).toMatchObject({ state: 'invalid', says: null });
  });

  it.each([[null], [{}], ['x'], [{ payloadType: 'x', payload: '', signatures: [] }]])('is invalid for %j', (given) => {
    expect(check(given)).toMatchObject({ state: 'invalid', says: null });
  });

  it('is invalid for something else that the same key signed', async () => {
    const text = await seal(STATEMENT_PAYLOAD_TYPE, Buffer.from('hello'), ours);
    expect(check(text)).toMatchObject({ state: 'invalid', problems: [expect.stringContaining('not JSON')] });
    const json = await seal(STATEMENT_PAYLOAD_TYPE, Buffer.from('{"verdict":"pass"}'), ours);
    expect(check(json)).toMatchObject({ state: 'invalid', problems: [expect.stringContaining('no verdict')] });
  });

  describe("in in-toto's own words", () => {
    type Said = { predicate: Record<string, unknown> & { testResult: Record<string, unknown> } };
    const said = (): Said => JSON.parse(statement.toString('utf8')) as Said;
    const signed = async (change: (predicate: Said['predicate']) => void): Promise<unknown> => {
      const changed = said();
      change(changed.predicate);
      return check(await seal(STATEMENT_PAYLOAD_TYPE, Buffer.from(JSON.stringify(changed)), ours));
    };

    it('says the same', () => {
      expect(said().predicate.testResult).toEqual({
        result: 'WARNED',
        configuration: [
          { name: 'golden', digest: { sha256: 'e'.repeat(64) } },
          { name: 'plan', digest: { sha256: 'f'.repeat(64) } },
        ],
        passedTests: ['apply'],
        warnedTests: ['way-back'],
        failedTests: [],
      });
    });

    it('is not needed: older statements do not have it', async () => {
      const old = await signed((predicate) => void delete (predicate as Partial<Said['predicate']>).testResult);
      expect(old).toMatchObject({ state: 'valid', problems: [] });
    });

    it.each<[string, (predicate: Said['predicate']) => void, RegExp]>([
      ['another result', ({ testResult }) => (testResult['result'] = 'PASSED'), /says PASSED/],
      [
        'another verdict',
        (predicate) => (predicate['verdict'] = 'inconclusive'),
        /not what the verdict "inconclusive"/,
      ],
      ['a failure in a pass', ({ testResult }) => (testResult['failedTests'] = ['reboot']), /has failures.*reboot/],
      ['another step', ({ testResult }) => (testResult['passedTests'] = []), /about the step "apply"/],
      ['another environment', ({ testResult }) => (testResult['configuration'] = []), /another environment/],
    ])('is invalid with %s than the verdict has', async (_what, change, why) => {
      expect(await signed(change)).toMatchObject({ state: 'invalid', problems: [expect.stringMatching(why)] });
    });
  });
});
