import { createHash, createPublicKey, verify } from 'node:crypto';
import canonicalize from 'canonicalize';

/** One line of an export, as far as it is checked here. */
interface Line {
  readonly kind: 'entry' | 'checkpoint' | 'earlier';
  readonly chain: string;
  readonly format: number;
  readonly seq: number;
  readonly previousHash: string;
  readonly hash: string;
  readonly tenantSeq: number | null;
  readonly tenantHash: string | null;
  readonly content: Readonly<Record<string, unknown>>;
  readonly envelope: Envelope;
}
interface Envelope {
  readonly payloadType: string;
  readonly payload: string;
  readonly signatures: readonly { readonly sig: string }[];
}
interface Head {
  readonly chain: string;
  readonly seq: number;
  readonly hash: string;
}

/** What an export is worth: for each chain its entries and how many of them a key stands for, and what is wrong first. */
export interface ChainReport {
  readonly broken: string | null;
  readonly chains: readonly { readonly chain: string; readonly entries: number; readonly signedUpTo: number }[];
}

const CHECKPOINT = 'application/vnd.vouch.audit-checkpoint+json';

/**
 * Checks an exported audit trail with nothing of the server's: every entry's hash covers it and the one before, and the
 * keys that are given signed the ends (DSSE, ECDSA P-256).
 *
 * @param keys public keys (PEM) that a person vouches for
 */
export function checkExport(text: string, keys: readonly string[]): ChainReport {
  const lines = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]));
  const ends = new Map<string, { seq: number; hash: string }>();
  const hashes = new Map<string, string>();
  let broken: string | null = null;
  for (const line of lines) {
    if (line.kind !== 'entry') continue;
    const last = ends.get(line.chain) ?? { seq: 0, hash: '0'.repeat(64) };
    const follows = line.seq === last.seq + 1 && line.previousHash === last.hash && line.hash === hashOf(line);
    if (!follows) broken ??= `entry ${last.seq + 1} of the chain ${line.chain} is not as it was written`;
    ends.set(line.chain, { seq: line.seq, hash: line.hash });
    hashes.set(`${line.chain} ${line.seq}`, line.hash);
  }
  const signed = new Map<string, number>();
  for (const { kind, envelope } of lines) {
    if (kind !== 'checkpoint') continue;
    const head = opened(envelope, keys);
    if (head === null) broken ??= 'a checkpoint is signed by none of the keys';
    else if (hashes.get(`${head.chain} ${head.seq}`) !== head.hash)
      broken ??= `entry ${head.seq} of the chain ${head.chain} is missing, or not the one that was signed`;
    else signed.set(head.chain, Math.max(head.seq, signed.get(head.chain) ?? 0));
  }
  const chains = [...ends].map(([chain, { seq }]) => ({ chain, entries: seq, signedUpTo: signed.get(chain) ?? 0 }));
  return { broken, chains };
}

/** SHA-256 over the canonical JSON (RFC 8785); an older format does not cover what it did not know, unless it is there. */
function hashOf({ format, chain, seq, previousHash, tenantSeq, tenantHash, content }: Line): string {
  const place = format === 1 ? { seq, previousHash } : { format, chain, seq, previousHash, tenantSeq, tenantHash };
  const { from, mspId, userAgent, ...rest } = content;
  const known = {
    ...(format === 1 && from === '' ? {} : { from }),
    ...(format < 3 && (mspId ?? null) === null ? {} : { mspId }),
    ...(format < 3 && (userAgent ?? '') === '' ? {} : { userAgent }),
  };
  return createHash('sha256')
    .update(canonicalize({ ...place, ...rest, ...known }) ?? '')
    .digest('hex');
}

function opened({ payloadType, payload, signatures }: Envelope, keys: readonly string[]): Head | null {
  const body = Buffer.from(payload, 'base64');
  const signed = Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${body.length} `), body]);
  const holds = keys.some((key) =>
    signatures.some(({ sig }) => verify('sha256', signed, createPublicKey(key), Buffer.from(sig, 'base64'))),
  );
  return holds && payloadType === CHECKPOINT ? (JSON.parse(body.toString('utf8')) as Head) : null;
}
