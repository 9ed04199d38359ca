import type { FileChange } from '@vouch/contracts';

/** Something that is different from before the patch, and should not be. */
export interface Finding {
  /** The same for the same thing, so that it is recognised in a control run. */
  readonly key: string;
  /** For people, in one line. */
  readonly detail: string;
  /** For what is counted or measured: how much. */
  readonly amount?: number;
}

/** Two looks at a machine, before the patch and now, and what the patch may rightly change. */
export interface Seen {
  /** What the check's script printed. */
  readonly before: string;
  readonly now: string;
  /** The machine was restarted since the look before. */
  readonly restarted: boolean;
  /** Files written since the look before; empty where the lab cannot tell. */
  readonly files: readonly FileChange[];
  /** Paths of the patch's own packages, of the old and the new version. */
  readonly owned: ReadonlySet<string>;
  /** Names of the patch's packages. */
  readonly packages: readonly string[];
  /** Size of the patch's files. */
  readonly patchBytes: number;
}

/** A check that nobody has to write: it follows from what the machine was like before the patch. */
export interface DerivedCheck {
  /** What is true when nothing was found, for people. */
  readonly name: string;
  /** For `sh`, as root inside the machine; its output is what is compared. It has to be quick and to change nothing. */
  readonly script: string;
  /** `after-walk`: reads lists of the walk through all files, beside the others; `alone`: sees processes, so it runs when no other does. */
  readonly runs?: 'after-walk' | 'alone';
  /** A machine may need a moment for this after a restart: asked again for a while before it counts. */
  readonly settles?: boolean;
  readonly findings: (seen: Seen) => Finding[];
}

/** Lines of an output, without empty ones. */
export const linesOf = (text: string): string[] => text.split('\n').filter((line) => line.trim() !== '');

/** Lines of now that were not there before, as findings. */
export function newLines({ before, now }: Pick<Seen, 'before' | 'now'>, say: (line: string) => string): Finding[] {
  const known = new Set(linesOf(before));
  return linesOf(now)
    .filter((line) => !known.has(line))
    .map((line) => ({ key: line, detail: say(line) }));
}

/** Key and value of lines such as `key<tab>value`. */
export function tableOf(text: string): Map<string, string> {
  return new Map(
    linesOf(text).map((line) => {
      const tab = line.indexOf('\t');
      return [line.slice(0, tab), line.slice(tab + 1)];
    }),
  );
}
