import type { AuditCheckpoint, AuditLink } from '@vouch/contracts';
import canonicalize from 'canonicalize';
import { sha256Hex } from '../ids.js';

/** What stands before the first entry of a chain. */
export const CHAIN_START = '0'.repeat(64);

/** The first entry of a chain that is not as it was written, and what is wrong with it. */
export interface BrokenEntry {
  readonly chain: string;
  readonly seq: number;
  readonly problem: string;
}

/**
 * The hash of an entry in its place: SHA-256 over the canonical JSON (RFC 8785) of its content, place and predecessor. An
 * entry of a format that did not know a field is covered as long as the field says nothing.
 */
export function linkHash({ kind: _, hash: __, ...link }: AuditLink): string {
  const { chain, format, seq, previousHash, tenantSeq, tenantHash, content } = link;
  const { from, mspId, userAgent, ...earlier } = content;
  const known = {
    ...(format === 1 && from === '' ? {} : { from }),
    ...(format < 3 && mspId === null ? {} : { mspId }),
    ...(format < 3 && userAgent === '' ? {} : { userAgent }),
  };
  const place = format === 1 ? { seq, previousHash } : { format, chain, seq, previousHash, tenantSeq, tenantHash };
  return sha256Hex(canonicalize({ ...place, ...earlier, ...known }) ?? '');
}

/**
 * Walks one chain, entry by entry. Finds what was changed, removed, inserted or moved by the hashes, and what was cut
 * off at the end or rewritten as a whole by the checkpoints, which must have been opened with a trusted key.
 */
export class ChainCheck {
  private last: { readonly seq: number; readonly hash: string };
  private readonly signed: ReadonlyMap<number, string>;
  private readonly signedSeq: number;

  constructor(
    private readonly chain: string,
    checkpoints: readonly AuditCheckpoint[] = [],
    after: { readonly seq: number; readonly hash: string } = { seq: 0, hash: CHAIN_START },
  ) {
    this.last = after;
    const own = checkpoints.filter((checkpoint) => checkpoint.chain === chain);
    this.signed = new Map(own.map(({ seq, hash }) => [seq, hash]));
    this.signedSeq = Math.max(0, ...this.signed.keys());
  }

  /** The end so far. */
  get head(): { readonly seq: number; readonly hash: string } {
    return this.last;
  }

  /** How many entries a checkpoint stands for. */
  get signedUpTo(): number {
    return this.signedSeq;
  }

  /** Takes the next entry; null when it is as it was written. */
  next(link: AuditLink): BrokenEntry | null {
    const expected = this.last.seq + 1;
    if (link.chain !== this.chain) return this.broken(expected, `is followed by one of the chain ${link.chain}`);
    if (link.seq !== expected) return this.broken(expected, `is missing: the entry in its place says ${link.seq}`);
    if (link.previousHash !== this.last.hash) return this.broken(expected, 'does not follow the entry before it');
    if (link.hash !== linkHash(link)) return this.broken(expected, 'was changed: its hash is another');
    const signed = this.signed.get(link.seq);
    if (signed !== undefined && signed !== link.hash)
      return this.broken(expected, 'or one before it was rewritten: the signed checkpoint says another hash');
    this.last = { seq: link.seq, hash: link.hash };
    return null;
  }

  /** After the last entry; `head` is where the chain should end, when that is known. */
  end(head?: { readonly seq: number; readonly hash: string }): BrokenEntry | null {
    const expected = this.last.seq + 1;
    if (this.signedSeq > this.last.seq)
      return this.broken(expected, `is missing: a signed checkpoint stands for ${this.signedSeq} entries`);
    if (head !== undefined && (head.seq !== this.last.seq || head.hash !== this.last.hash))
      return this.broken(expected, `is missing: the chain should end with entry ${head.seq}`);
    return null;
  }

  private broken(seq: number, problem: string): BrokenEntry {
    return { chain: this.chain, seq, problem };
  }
}
