import { AuditExportLine, INSTALLATION_CHAIN, type AuditCheckpoint, type DsseEnvelope } from '@vouch/contracts';
import { ChainCheck, type BrokenEntry } from '@vouch/platform';
import { EnvelopeRejected } from './domain/dsse.js';
import { openCheckpoint } from './domain/audit-checkpoint.js';

/** What an exported trail is worth. */
export interface AuditExportReport {
  /** Null when every entry is as it was written. */
  readonly broken: BrokenEntry | null;
  /** Each chain with its number of entries, and up to which one a trusted key signed it. */
  readonly chains: readonly { readonly chain: string; readonly entries: number; readonly signedUpTo: number }[];
  /** Entries from before tenants had chains: nothing in this file proves them. */
  readonly unproven: number;
}

/** A line that is no line of an export. */
export class AuditExportUnreadable extends Error {
  readonly code = 'audit-export-unreadable';
}

/**
 * Checks an exported audit trail without any database.
 *
 * @param lines of the NDJSON file
 * @param trustedKeysPem the installation's public audit keys
 * @param kept checkpoints from elsewhere, such as an older export: what they stand for must be in this file
 * @throws AuditExportUnreadable
 */
export function verifyAuditExport(
  lines: readonly string[],
  trustedKeysPem: readonly string[],
  kept: readonly AuditCheckpoint[] = [],
): AuditExportReport {
  const parsed = lines.map(parseLine);
  const links = parsed.filter((line) => line.kind === 'entry');
  const checkpoints = [...kept];
  for (const line of parsed) {
    if (line.kind !== 'checkpoint') continue;
    const opened = openOrNull(line.envelope, trustedKeysPem);
    if (opened === null) return report({ chain: 'of a checkpoint', seq: 0, problem: 'is signed by no trusted key' });
    checkpoints.push(opened);
  }
  const names = new Set([...links.map(({ chain }) => chain), ...checkpoints.map(({ chain }) => chain)]);
  const checks = new Map([...names].map((name) => [name, new ChainCheck(name, checkpoints)]));
  let broken: BrokenEntry | null = null;
  for (const link of links) broken ??= checks.get(link.chain)?.next(link) ?? null;
  for (const check of checks.values()) broken ??= check.end();
  return report(broken, checks);

  function report(found: BrokenEntry | null, walked = new Map<string, ChainCheck>()): AuditExportReport {
    return {
      broken: found,
      chains: [...walked].map(([chain, { head, signedUpTo }]) => ({ chain, entries: head.seq, signedUpTo })),
      unproven: parsed.filter((line) => line.kind === 'earlier').length,
    };
  }
}

function parseLine(text: string, index: number): AuditExportLine {
  try {
    return AuditExportLine.parse(JSON.parse(text));
  } catch {
    throw new AuditExportUnreadable(`Line ${index + 1} is no entry or checkpoint of an audit export.`);
  }
}

function openOrNull(envelope: DsseEnvelope, trustedKeysPem: readonly string[]): AuditCheckpoint | null {
  try {
    return openCheckpoint(envelope, trustedKeysPem);
  } catch (error) {
    if (error instanceof EnvelopeRejected) return null;
    throw error;
  }
}

/** What a checked trail amounts to, in sentences for people. */
export function wordsOf({ broken, chains, unproven }: AuditExportReport): string[] {
  if (broken) return [`BROKEN: entry ${broken.seq} of the chain ${broken.chain} ${broken.problem}.`];
  return [
    ...chains.map(({ chain, entries, signedUpTo }) => {
      const name = chain === INSTALLATION_CHAIN ? 'the installation' : `tenant ${chain}`;
      const rest = entries > signedUpTo ? `; the last ${entries - signedUpTo} are not signed yet` : '';
      return `Whole: ${entries} entries of ${name}, the first ${signedUpTo} signed${rest}.`;
    }),
    ...(unproven === 0 ? [] : [`${unproven} older entries are proved by the installation's chain only.`]),
  ];
}
