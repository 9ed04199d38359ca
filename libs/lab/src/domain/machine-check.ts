/** A check of a machine: a script for `sh`, and how to read its answer. Runs as root inside the machine. */
export interface MachineCheck {
  readonly name: string;
  readonly script: string;
  readonly timeoutMs: number;
  readonly judge: (answer: CheckAnswer) => Judgement;
}

export interface Judgement {
  readonly ok: boolean;
  /** What was seen. */
  readonly detail: string;
}

export interface CheckAnswer {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

export const CHECK_LIMIT_MS = 15_000;

export const check = (name: string, script: string, judge: MachineCheck['judge']): MachineCheck => ({
  name,
  script,
  timeoutMs: CHECK_LIMIT_MS,
  judge,
});

export const good = (detail: string): Judgement => ({ ok: true, detail });
export const bad = (detail: string): Judgement => ({ ok: false, detail });

export const includes = (text: string, wanted: string | undefined, seen = text): Judgement =>
  wanted === undefined || text.includes(wanted) ? good(seen) : bad(`"${wanted}" is missing in: ${text}`);

/** A word for `sh` that means exactly these characters. */
export const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
