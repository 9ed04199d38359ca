import type { Duplex } from 'node:stream';
import { z } from 'zod';
import { JsonLines, NoAnswer } from '../vm/json-lines.js';

/** QEMU understood a command and could not do it. */
export class QmpRefused extends Error {
  readonly code = 'qmp-refused';
  constructor(command: string, detail: string) {
    super(`QEMU refused ${command}: ${detail}`);
    this.name = 'QmpRefused';
  }
}

const Message = z.object({
  id: z.int().optional(),
  return: z.unknown().optional(),
  error: z.object({ desc: z.string() }).optional(),
  event: z.string().optional(),
});
type Message = z.infer<typeof Message>;

/** QEMU's machine protocol (docs/interop/qmp-spec): controls one running QEMU. */
export class Qmp {
  private readonly lines: JsonLines;
  private readonly pending = new Map<number, (message: Message) => void>();
  private readonly seen = new Set<string>();
  private asked = 0;

  constructor(stream: Duplex) {
    this.lines = new JsonLines(stream, (value) => {
      const message = Message.safeParse(value).data;
      if (message?.event !== undefined) this.seen.add(message.event);
      if (message?.id !== undefined) this.pending.get(message.id)?.(message);
    });
  }

  /** Ends the negotiation that a conversation begins with. */
  async open(timeoutMs: number): Promise<void> {
    await this.ask('qmp_capabilities', {}, timeoutMs);
  }

  /** Did QEMU tell of this event, e.g. `GUEST_PANICKED`? */
  hasSeen(event: string): boolean {
    return this.seen.has(event);
  }

  /** @throws QmpRefused, NoAnswer */
  async ask(command: string, args: Readonly<Record<string, unknown>> = {}, timeoutMs = 30_000): Promise<unknown> {
    const id = ++this.asked;
    this.lines.send({ execute: command, arguments: args, id });
    const message = await new Promise<Message>((resolve, reject) => {
      const forget = this.lines.onEnd((why) => reject(new NoAnswer(`QEMU: ${why}`)));
      const timer = setTimeout(() => reject(new NoAnswer(`QEMU did not answer ${command}`)), timeoutMs);
      this.pending.set(id, (answer) => {
        clearTimeout(timer);
        forget();
        resolve(answer);
      });
    }).finally(() => this.pending.delete(id));
    if (message.error !== undefined) throw new QmpRefused(command, message.error.desc);
    return message.return;
  }
}
