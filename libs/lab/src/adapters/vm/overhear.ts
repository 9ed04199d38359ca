import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import { AgentRefused } from './agent-channel.js';

const Chunk = z.object({ 'buf-b64': z.string() });
/** Each look costs a guest in software emulation some of its time. */
const LOOK_MS = 500;
const MOST_AT_ONCE = 65_536;

type Ask = (command: string, args: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** Follows the file to which a command in a machine writes, while it writes. */
export class Overhearing {
  private handle: unknown;
  private heardBytes = 0;
  private lookedAt = performance.now();
  private readonly decoder = new StringDecoder('utf8');

  constructor(
    private readonly ask: Ask,
    private readonly file: string,
    private readonly onOutput: (text: string) => void,
  ) {}

  /** Tells what came since the last look, if that was long enough ago. */
  async look(): Promise<void> {
    if (performance.now() - this.lookedAt < LOOK_MS) return;
    this.lookedAt = performance.now();
    try {
      this.handle ??= await this.ask('guest-file-open', { path: this.file, mode: 'r' });
      const answer = await this.ask('guest-file-read', { handle: this.handle, count: MOST_AT_ONCE });
      this.tell(Buffer.from(Chunk.parse(answer)['buf-b64'], 'base64'));
    } catch (error) {
      // The command has not begun to write yet: its output is told at the end at the latest.
      if (!(error instanceof AgentRefused)) throw error;
    }
  }

  /** Tells the rest. @param stdout all of it */
  async end(stdout: Buffer, stderr: Buffer): Promise<void> {
    this.tell(stdout.subarray(this.heardBytes));
    this.tell(stderr);
    if (this.handle !== undefined) await this.ask('guest-file-close', { handle: this.handle });
  }

  private tell(bytes: Buffer): void {
    this.heardBytes += bytes.length;
    if (bytes.length > 0) this.onOutput(this.decoder.write(bytes));
  }
}
