import { linesOf, type DerivedCheck, type Finding } from './derived-check.js';

/** A message without what differs from time to time: numbers, addresses, times and random names. */
export function normalised(message: string): string {
  return message
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/gi, '<id>')
    .replaceAll(/\b0x[0-9a-f]+\b/gi, '<n>')
    .replaceAll(/\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b/gi, '<id>')
    .replaceAll(/\d+/g, '<n>')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** Without time and host, a line of `journalctl -o short` is `program[pid]: message`. */
function read(listing: string): Map<string, string> {
  return new Map(
    linesOf(listing)
      .filter((line) => !line.startsWith('-- '))
      .map((line) => line.replace(/^\S+ \S+ /, ''))
      .map((line) => [normalised(line), line]),
  );
}

export const JOURNAL_CLEAN: DerivedCheck = {
  name: 'no new error in the journal',
  // All boots: some errors are written while the machine goes down.
  script: 'journalctl --quiet --no-pager --priority=err --output=short-iso --lines=500',
  findings: ({ before, now }): Finding[] => {
    const known = read(before);
    return [...read(now)].filter(([key]) => !known.has(key)).map(([key, line]) => ({ key, detail: line }));
  },
};
