import type { FileChange, ProbeResult } from '@vouch/contracts';
import type { DerivedCheck, Finding, Seen } from './derived-check.js';
import { merged } from './files.js';
import { PREPARE_WALK, WALK_SCRIPT } from './walk.js';

/** What a machine looks like at one moment: what each script printed. */
export type Look = ReadonlyMap<string, string>;

/** Begins what stands before each answer; the rest is another one each time, so that no answer can contain it. */
export const MARK = 'LOOK_MARK';

/**
 * One script for all checks, since a process for each would take longer than all of them. Scripts that several checks share
 * run once.
 * @param mark begins with {@link MARK}
 * @param walk makes the lists of files
 */
export function lookScript(
  checks: readonly DerivedCheck[],
  packages: readonly string[],
  mark: string,
  walk = WALK_SCRIPT,
): string {
  const sections = [...new Set(checks.map(({ script }) => script)), ownedScript(packages)].map((script, index) => ({
    text: `echo '${mark} ${index}'\n{\n${script}\n} 2>/dev/null`,
    runs: checks.find((check) => check.script === script)?.runs,
  }));
  const those = (runs: DerivedCheck['runs']): string[] =>
    sections.filter((section) => section.runs === runs).map(({ text }) => text);
  return [
    PREPARE_WALK,
    '(',
    walk,
    ...those('after-walk'),
    ') > "$walk/said" &',
    ...those(undefined),
    'wait',
    'cat "$walk/said"',
    'rm -rf "$walk"',
    ...those('alone'),
    'exit 0',
  ].join('\n');
}

/** A machine did not answer everything that it was asked, e.g. since it could start no further process. */
export class LookIncomplete extends Error {
  readonly code = 'look-incomplete';
  constructor(answered: number, asked: number) {
    super(`The machine answered ${answered} of ${asked} questions when it was looked at.`);
    this.name = 'LookIncomplete';
  }
}

/** Reads the output of {@link lookScript}, which was made with the same checks and mark. @throws LookIncomplete */
export function readLook(
  output: string,
  checks: readonly DerivedCheck[],
  mark: string,
): { look: Look; owned: ReadonlySet<string> } {
  const sections = new Map<number, string>();
  for (const part of output.split(new RegExp(`^${mark} `, 'm')).slice(1)) {
    const line = part.indexOf('\n');
    sections.set(Number(part.slice(0, line)), part.slice(line + 1));
  }
  const scripts = [...new Set(checks.map(({ script }) => script))];
  if (sections.size !== scripts.length + 1) throw new LookIncomplete(sections.size, scripts.length + 1);
  return {
    look: new Map(scripts.map((script, index) => [script, sections.get(index) ?? ''])),
    owned: new Set((sections.get(scripts.length) ?? '').split('\n').map(merged)),
  };
}

/** Paths of packages, as far as they are installed. */
const ownedScript = (packages: readonly string[]): string =>
  packages.length === 0 ? ':' : `dpkg -L ${packages.map((name) => `'${name}'`).join(' ')}`;

/** What each check found, by its name. */
export type Findings = ReadonlyMap<string, readonly Finding[]>;

export interface Circumstances {
  readonly restarted: boolean;
  readonly files: readonly FileChange[];
  readonly owned: ReadonlySet<string>;
  readonly packages: readonly string[];
  readonly patchBytes: number;
}

export function compareLooks(
  checks: readonly DerivedCheck[],
  before: Look,
  now: Look,
  circumstances: Circumstances,
): Findings {
  const seenBy = ({ script }: DerivedCheck): Seen => ({
    before: before.get(script) ?? '',
    now: now.get(script) ?? '',
    ...circumstances,
  });
  return new Map(checks.map((check) => [check.name, check.findings(seenBy(check))]));
}

/** Amounts vary from run to run: only clearly more than without the patch is the patch's. */
const CLEARLY_MORE = { factor: 2, plus: 2 } as const;

/** What was found with the patch and not without it. */
export function beyondControl(found: readonly Finding[], control: readonly Finding[]): Finding[] {
  const usual = new Map(control.map((finding) => [finding.key, finding.amount]));
  return found.filter(({ key, amount }) => {
    if (!usual.has(key)) return true;
    const without = usual.get(key);
    return amount !== undefined && without !== undefined && amount > CLEARLY_MORE.factor * without + CLEARLY_MORE.plus;
  });
}

const SHOWN = 5;

/** A check's findings as the result that people see. */
export function resultOf(name: string, findings: readonly Finding[], durationMs: number): ProbeResult {
  const shown = findings.slice(0, SHOWN).map(({ detail }) => detail.slice(0, 300));
  const more = findings.length > SHOWN ? [`and ${findings.length - SHOWN} more`] : [];
  return {
    name,
    ok: findings.length === 0,
    detail: findings.length === 0 ? 'yes' : [...shown, ...more].join('; '),
    durationMs,
  };
}
