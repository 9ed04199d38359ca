import type { Duplex } from 'node:stream';

/** A peer that speaks JSON, one value a line, has ended the conversation or did not answer in time. */
export class NoAnswer extends Error {
  readonly code = 'no-answer';
  constructor(what: string) {
    super(what);
    this.name = 'NoAnswer';
  }
}

/** Reads what a peer says, one JSON value a line. Lines that are not JSON (the rest of a cut-off answer) are dropped. */
export class JsonLines {
  private buffer: Buffer[] = [];
  private closed: string | undefined;
  private readonly waiting = new Set<(end: string) => void>();

  constructor(
    private readonly stream: Duplex,
    onValue: (value: unknown) => void,
  ) {
    stream.on('data', (chunk: Buffer) => this.split(chunk, onValue));
    stream.on('error', (error: Error) => this.end(error.message));
    stream.once('close', () => this.end('the connection is closed'));
  }

  /** @throws NoAnswer when the connection is closed */
  send(value: unknown): void {
    if (this.closed !== undefined) throw new NoAnswer(this.closed);
    this.stream.write(`${JSON.stringify(value)}\n`);
  }

  /** Calls back when the connection ends; the returned function forgets about it. */
  onEnd(tell: (why: string) => void): () => void {
    if (this.closed !== undefined) tell(this.closed);
    else this.waiting.add(tell);
    return () => this.waiting.delete(tell);
  }

  private split(chunk: Buffer, onValue: (value: unknown) => void): void {
    let rest = chunk;
    for (let at = rest.indexOf(NEWLINE); at >= 0; at = rest.indexOf(NEWLINE)) {
      this.buffer.push(rest.subarray(0, at));
      const value = parse(Buffer.concat(this.buffer));
      this.buffer = [];
      rest = rest.subarray(at + 1);
      if (value !== undefined) onValue(value);
    }
    if (rest.length > 0) this.buffer.push(rest);
  }

  private end(why: string): void {
    this.closed ??= why;
    for (const tell of this.waiting) tell(this.closed);
    this.waiting.clear();
  }
}

const NEWLINE = 0x0a;
/** Before an answer to `guest-sync-delimited` (QEMU's guest agent protocol). */
const SENTINEL = 0xff;

function parse(line: Buffer): unknown {
  const text = line.subarray(line.lastIndexOf(SENTINEL) + 1).toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
