import { setTimeout as sleep } from 'node:timers/promises';
import { OUTPUT_AT_ONCE, type PlanStep } from '@vouch/contracts';

const PAUSE_MS = 500;
const LEFT_OUT = '[more than can be watched: the log among the evidence has everything]\n';

/**
 * Brings what a machine prints to whoever watches, a few times a second at most, and always the newest. Nothing depends on
 * it: what cannot be brought is dropped.
 */
export class OutputRelay {
  private waiting: { step: PlanStep; text: string } | null = null;
  private sending: Promise<void> | null = null;
  private readonly ended = new AbortController();

  constructor(
    private readonly send: (step: PlanStep, text: string) => Promise<void>,
    private readonly pauseMs = PAUSE_MS,
  ) {}

  /** What still waits of the step before is sent together with it: the order of lines matters more. */
  add(step: PlanStep, text: string): void {
    if (text === '' || this.ended.signal.aborted) return;
    this.waiting = { step, text: newest((this.waiting?.text ?? '') + text) };
    this.sending ??= this.sendAll();
  }

  /** Sends the rest. Nothing more is taken. */
  async end(): Promise<void> {
    this.ended.abort();
    await this.sending;
  }

  private async sendAll(): Promise<void> {
    const { signal } = this.ended;
    while (this.waiting !== null) {
      const { step, text } = this.waiting;
      this.waiting = null;
      await this.send(step, text).catch(() => undefined);
      await sleep(this.pauseMs, undefined, { signal }).catch(() => undefined);
    }
    this.sending = null;
  }
}

/** The end of a text that is too long, from the beginning of a line. */
function newest(text: string): string {
  if (text.length <= OUTPUT_AT_ONCE) return text;
  const end = text.slice(-(OUTPUT_AT_ONCE - LEFT_OUT.length));
  return LEFT_OUT + end.slice(end.indexOf('\n') + 1);
}
