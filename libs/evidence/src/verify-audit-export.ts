import { AuditExportLine, INSTALLATION_CHAIN, type DsseEnvelope } from '@vouch/contracts';
import { ChainCheck, type BrokenEntry } from '@vouch/platform';
import {
  endsToMeet,
  openHeads,
  unansweredRefusal,
  type AuditKey,
  type Head,
  type RefusedHead,
} from './domain/audit-keys.js';

/** A chain that was walked to its end. */
export interface CheckedChain {
  readonly chain: string;
  readonly entries: number;
  /** Up to which entry a key signed it that counted when it did. */
  readonly signedUpTo: number;
}

/** What a trail is worth. */
export interface AuditReport {
  /** Null when every entry is as it was written. */
  readonly broken: BrokenEntry | null;
  readonly chains: readonly CheckedChain[];
  /** Entries from before tenants had chains: nothing in this file proves them. */
  readonly unproven: number;
  /** Heads that do not count; what they stand for a key that counts signed as well. */
  readonly refused: readonly RefusedHead[];
  /** Chains that no key but one that was revoked later signed. */
  readonly weak: readonly string[];
}

/** A line that is no line of an export. */
export class AuditExportUnreadable extends Error {
  readonly code = 'audit-export-unreadable';
}

/**
 * Checks an exported audit trail without any database.
 *
 * @param lines of the NDJSON file
 * @param keys the installation's audit keys, with the time for which each counts
 * @param kept signed heads from elsewhere, such as an older export: what they stand for must be in this file
 * @throws AuditExportUnreadable
 */
export function verifyAuditExport(
  lines: readonly string[],
  keys: readonly AuditKey[],
  kept: readonly DsseEnvelope[] = [],
): AuditReport {
  const parsed = lines.map(parseLine);
  const links = parsed.filter((line) => line.kind === 'entry');
  const own = parsed.filter((line) => line.kind === 'checkpoint').map(({ envelope }) => envelope);
  const { heads, refused } = openHeads([...kept, ...own], keys);
  const checkpoints = endsToMeet(heads);
  const names = new Set([...links.map(({ chain }) => chain), ...checkpoints.map(({ chain }) => chain)]);
  const checks = new Map([...names].map((name) => [name, new ChainCheck(name, checkpoints)]));
  let broken: BrokenEntry | null = null;
  for (const link of links) broken ??= checks.get(link.chain)?.next(link) ?? null;
  for (const check of checks.values()) broken ??= check.end();
  const chains = [...checks].map(([chain, { head, signedUpTo }]) => ({ chain, entries: head.seq, signedUpTo }));
  return reportOf(broken, chains, heads, refused, parsed.filter((line) => line.kind === 'earlier').length);
}

/** What a walk found and what its heads are worth, together. */
export function reportOf(
  broken: BrokenEntry | null,
  chains: readonly CheckedChain[],
  heads: readonly Head[],
  refused: readonly RefusedHead[],
  unproven = 0,
): AuditReport {
  const alone = unansweredRefusal(heads, refused);
  const lie = alone && {
    chain: alone.claimed?.chain ?? 'of a signed head',
    seq: alone.claimed?.seq ?? 0,
    problem: `has a signed head that ${alone.problem}`,
  };
  const strong = new Set(heads.filter((head) => !head.keyRevokedLater).map(({ checkpoint }) => checkpoint.chain));
  const weak = chains.filter(({ chain, signedUpTo }) => signedUpTo > 0 && !strong.has(chain)).map(({ chain }) => chain);
  return { broken: lie ?? broken, chains, unproven, refused, weak };
}

function parseLine(text: string, index: number): AuditExportLine {
  try {
    return AuditExportLine.parse(JSON.parse(text));
  } catch {
    throw new AuditExportUnreadable(`Line ${index + 1} is no entry or checkpoint of an audit export.`);
  }
}

/** What a checked trail amounts to, in sentences for people. */
export function wordsOf({ broken, chains, unproven, refused, weak }: AuditReport): string[] {
  if (broken) return [`BROKEN: entry ${broken.seq} of the chain ${broken.chain} ${broken.problem}.`];
  return [
    ...chains.map(({ chain, entries, signedUpTo }) => {
      const name = chain === INSTALLATION_CHAIN ? 'the installation' : `organisation ${chain}`;
      const rest = entries > signedUpTo ? `; the last ${entries - signedUpTo} are not signed yet` : '';
      const by = weak.includes(chain) ? ', by a key alone that was revoked later' : '';
      return `Whole: ${entries} entries of ${name}, the first ${signedUpTo} signed${by}${rest}.`;
    }),
    ...refused.map(
      ({ claimed, problem }) =>
        `Not counted: a head of entry ${claimed?.seq} of the chain ${claimed?.chain} ${problem}; a key that counts signed it too.`,
    ),
    ...(unproven === 0 ? [] : [`${unproven} older entries are proved by the installation's chain only.`]),
  ];
}
