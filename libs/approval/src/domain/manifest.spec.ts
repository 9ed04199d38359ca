import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ManifestEntry } from '@vouch/contracts';
import { buildManifest, type ManifestFacts } from './manifest.js';

const issuedAt = new Date('2026-01-01T00:00:00Z');
const time = fc
  .date({ min: new Date('2025-12-30'), max: new Date('2026-01-05'), noInvalidDate: true })
  .map((d) => d.toISOString());
const entry: fc.Arbitrary<ManifestEntry> = fc.record({
  revisionId: fc.uuid({ version: 4 }),
  approvalId: fc.uuid({ version: 4 }),
  patch: fc.constantFrom('nginx', 'openssl', 'bash'),
  version: fc.constant('1'),
  notBefore: fc.constant('2026-01-01T00:00:00.000Z'),
  expires: time,
  artefacts: fc.constant([
    { package: 'p', version: '1', architecture: 'all', fileName: 'p.deb', sizeBytes: 1, sha256: 'b'.repeat(64) },
  ]),
  verdict: time.map((expires) => ({ statementSha256: 'c'.repeat(64), sentence: 's', expires })),
  coverage: fc.constant({ score: 1, notCovered: [] }),
});
const facts = (entries: readonly ManifestEntry[]): ManifestFacts => ({
  channelId: '00000000-0000-4000-8000-000000000000',
  stream: 'debian-12-amd64',
  ring: 0,
  version: 1,
  issuedAt,
  validForSeconds: 86_400,
  apt: { suite: 's', component: 'main', inReleaseSha256: 'd'.repeat(64) },
  entries,
});

describe('manifest', () => {
  it('I1: names no bytes whose approval or verdict has expired, and expires before any of them does', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 6 }), (entries) => {
        const { manifest } = buildManifest(facts(entries));
        for (const kept of manifest.entries) {
          expect(Date.parse(kept.expires)).toBeGreaterThan(issuedAt.getTime());
          expect(Date.parse(kept.verdict.expires)).toBeGreaterThan(issuedAt.getTime());
          expect(Date.parse(manifest.expires)).toBeLessThanOrEqual(Date.parse(kept.expires));
          expect(Date.parse(manifest.expires)).toBeLessThanOrEqual(Date.parse(kept.verdict.expires));
        }
      }),
    );
  });

  it('gives equal bytes for equal facts, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.uniqueArray(entry, { maxLength: 6, selector: (e) => e.revisionId }), (entries) => {
        expect(buildManifest(facts([...entries].reverse())).bytes.equals(buildManifest(facts(entries)).bytes)).toBe(
          true,
        );
      }),
    );
  });
});
