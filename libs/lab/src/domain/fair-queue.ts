/** How urgent a run is; a more urgent one goes first, whoever wants it. */
export const URGENCY = { routine: 0, security: 1, exploited: 2 } as const;

/** After so long in the queue a run counts as one step more urgent, so that nothing waits for ever. */
export const RISES_AFTER_MS = 12 * 3600_000;

/** A run in the queue. */
export interface WaitingRun {
  readonly id: string;
  /** One of {@link URGENCY}. */
  readonly urgency: number;
  /** Who wants it, as pseudonyms; nobody in particular when empty. */
  readonly origins: readonly string[];
  /** How many machines wait for it. */
  readonly machines: number;
  readonly queuedAt: Date;
}

/** What each origin was given so far, in runs; origins share the cost of a run that several want. */
export interface Turns {
  /** Where the queue is: the start of the run that was chosen last. Who comes later starts here, and not at 0. */
  readonly now: number;
  /** Where the next run of an origin starts. */
  readonly next: ReadonlyMap<string, number>;
}

export const NO_TURNS: Turns = { now: 0, next: new Map() };

/**
 * Chooses the next run: the most urgent first; among these, start-time fair queueing over those who want them (P. Goyal,
 * H. M. Vin, H. Cheng, 1996: serve the smallest start tag, where a start tag is the later of the queue's time and the end
 * of the origin's last service); among one origin's, the one that most machines wait for, then the oldest.
 *
 * Between two runs of an origin that always has one waiting, every other origin gets at most two of the same urgency.
 * @returns null when nothing waits
 */
export function chooseRun(
  waiting: readonly WaitingRun[],
  turns: Turns,
  now: Date,
): { readonly run: WaitingRun; readonly turns: Turns } | null {
  const ranked = waiting.map((run) => ({ run, level: levelOf(run, now), start: startOf(run, turns) }));
  const [first] = ranked.sort(
    (a, b) =>
      b.level - a.level ||
      a.start - b.start ||
      b.run.machines - a.run.machines ||
      a.run.queuedAt.getTime() - b.run.queuedAt.getTime() ||
      (a.run.id < b.run.id ? -1 : 1),
  );
  if (first === undefined) return null;
  const { run, start } = first;
  const next = new Map(turns.next);
  const origins = originsOf(run);
  for (const origin of origins) {
    const from = Math.max(turns.now, next.get(origin) ?? 0);
    next.set(origin, from + 1 / origins.length);
  }
  return { run, turns: { now: Math.max(turns.now, start), next } };
}

/** Runs that nobody in particular wants stand in a line of their own. */
const originsOf = ({ origins }: WaitingRun): readonly string[] => (origins.length === 0 ? [''] : origins);

/** A run that several want starts when the first of them has a turn. */
const startOf = (run: WaitingRun, { now, next }: Turns): number =>
  Math.min(...originsOf(run).map((origin) => Math.max(now, next.get(origin) ?? 0)));

const levelOf = ({ urgency, queuedAt }: WaitingRun, now: Date): number =>
  Math.min(URGENCY.exploited, urgency + Math.floor((now.getTime() - queuedAt.getTime()) / RISES_AFTER_MS));
