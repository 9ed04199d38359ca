import { setTimeout as sleep } from 'node:timers/promises';
import type { Duplex } from 'node:stream';
import { z } from 'zod';
import { JsonLines, NoAnswer } from './json-lines.js';

/** A way to QEMU's guest agent in a machine: its own socket, or through whoever runs the machine. */
export interface AgentChannel {
  /**
   * @param command e.g. `guest-exec`, see QEMU's `qga/qapi-schema.json`
   * @returns the answer's `return`
   * @throws NoAnswer when the machine is gone or silent, AgentRefused when the agent answers with an error
   */
  ask(command: string, args: Readonly<Record<string, unknown>>, timeoutMs: number): Promise<unknown>;
}

/** The guest agent understood a command and could not do it. */
export class AgentRefused extends Error {
  readonly code = 'agent-refused';
  constructor(command: string, detail: string) {
    super(`The machine's agent refused ${command}: ${detail}`);
    this.name = 'AgentRefused';
  }
}

const Answer = z.object({ return: z.unknown().optional(), error: z.object({ desc: z.string() }).optional() });

/** The agent's own protocol over a stream: one question at a time, each conversation synchronised first. */
export class StreamAgent implements AgentChannel {
  private readonly lines: JsonLines;
  private readonly answers: unknown[] = [];
  private arrived: () => void = () => undefined;
  private last: Promise<unknown> = Promise.resolve();
  private synchronised = false;
  private syncs = 0;

  constructor(stream: Duplex) {
    this.lines = new JsonLines(stream, (value) => {
      this.answers.push(value);
      this.arrived();
    });
  }

  ask(command: string, args: Readonly<Record<string, unknown>>, timeoutMs: number): Promise<unknown> {
    const turn = this.last.then(async () => {
      const deadline = performance.now() + timeoutMs;
      if (!this.synchronised) await this.synchronise(deadline);
      const { return: value, error } = Answer.parse(await this.once(command, args, deadline));
      if (error !== undefined) throw new AgentRefused(command, error.desc);
      return value;
    });
    this.last = turn.catch(() => undefined);
    return turn;
  }

  /** What an earlier conversation left unread is skipped: the agent answers with our number. */
  private async synchronise(deadline: number): Promise<void> {
    const id = ++this.syncs;
    this.answers.length = 0;
    let answer = await this.once('guest-sync-delimited', { id }, deadline);
    while (Answer.safeParse(answer).data?.return !== id) answer = await this.next('guest-sync-delimited', deadline);
    this.synchronised = true;
  }

  private once(command: string, args: object, deadline: number): Promise<unknown> {
    this.lines.send({ execute: command, arguments: args });
    return this.next(command, deadline);
  }

  private async next(command: string, deadline: number): Promise<unknown> {
    let ended: string | undefined;
    const forget = this.lines.onEnd((why) => {
      ended = why;
      this.arrived();
    });
    try {
      while (this.answers.length === 0) {
        const left = deadline - performance.now();
        if (ended !== undefined) throw new NoAnswer(ended);
        if (left <= 0) {
          this.synchronised = false;
          throw new NoAnswer(`its agent did not answer ${command} in time`);
        }
        const timer = new AbortController();
        const limit = sleep(left, undefined, { signal: timer.signal }).catch(() => undefined);
        await Promise.race([limit, new Promise<void>((resolve) => (this.arrived = resolve))]);
        timer.abort();
      }
      return this.answers.shift();
    } finally {
      forget();
    }
  }
}
