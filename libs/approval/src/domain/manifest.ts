import canonicalize from 'canonicalize';
import { ChannelManifest, type ManifestEntry } from '@vouch/contracts';

export interface ManifestFacts {
  readonly channelId: string;
  readonly stream: string;
  readonly ring: number;
  readonly version: number;
  readonly issuedAt: Date;
  readonly validForSeconds: number;
  readonly apt: { readonly suite: string; readonly component: string; readonly inReleaseSha256: string };
  readonly entries: readonly ManifestEntry[];
}

/**
 * The signed desired state of a channel, as bytes: canonical JSON (RFC 8785), entries in a fixed order, so that equal
 * facts give equal bytes. An entry whose approval or verdict has expired is left out (I1), and the manifest never
 * outlives its first entry to expire.
 */
export function buildManifest(facts: ManifestFacts): { manifest: ChannelManifest; bytes: Buffer } {
  const now = facts.issuedAt.getTime();
  const entries = facts.entries
    .filter((entry) => Date.parse(entry.expires) > now && Date.parse(entry.verdict.expires) > now)
    .sort((a, b) => (a.patch === b.patch ? (a.revisionId < b.revisionId ? -1 : 1) : a.patch < b.patch ? -1 : 1));
  const ends = entries.flatMap((entry) => [Date.parse(entry.expires), Date.parse(entry.verdict.expires)]);
  const manifest = ChannelManifest.parse({
    channelId: facts.channelId,
    stream: facts.stream,
    ring: facts.ring,
    version: facts.version,
    issuedAt: facts.issuedAt.toISOString(),
    expires: new Date(Math.min(now + facts.validForSeconds * 1000, ...ends)).toISOString(),
    apt: facts.apt,
    entries,
  });
  return { manifest, bytes: Buffer.from(canonicalize(manifest) ?? '', 'utf8') };
}
