import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { EXEC_LIMIT_MS, ExecFailed, type CommandResult, type ExecOptions } from '../../lab-machine.port.js';
import { SYSTEM_PATH } from '../sandbox/layer-store.js';
import type { AgentChannel } from './agent-channel.js';
import { NoAnswer } from './json-lines.js';
import { Overhearing } from './overhear.js';

const Started = z.object({ pid: z.int() });
const Status = z.object({
  exited: z.boolean(),
  exitcode: z.int().optional(),
  signal: z.int().optional(),
  'out-data': z.string().optional(),
  'err-data': z.string().optional(),
});
const Chunk = z.object({ count: z.int(), 'buf-b64': z.string(), eof: z.boolean() });
type Status = z.infer<typeof Status>;

/** Enough for a busy guest in software emulation to answer one question. */
const ANSWER_MS = 60_000;
const CHUNK_BYTES = 1024 * 1024;
/** Starting a program is what takes longest in software emulation, so nothing is started that the shell can do itself. */
const ENVIRONMENT = [
  `PATH=${SYSTEM_PATH}`,
  'HOME=/root',
  'LANG=C.UTF-8',
  'TERM=dumb',
  'DEBIAN_FRONTEND=noninteractive',
];

/**
 * Runs a command in a session of its own, with its output in memory until it has ended: a daemon that it leaves behind
 * keeps no pipe of the agent open. `$1` is where to, the rest is the command.
 */
const WRAPPER = `to=$1; shift
( umask 077; : > "$to.out"; : > "$to.err" )
"$@" > "$to.out" 2> "$to.err" < /dev/null; code=$?
if [ -s "$to.out" ]; then head -c 8388608 "$to.out"; : > "$to.out"; fi
if [ -s "$to.err" ]; then head -c 8388608 "$to.err" >&2; : > "$to.err"; fi
exit "$code"`;

/** Works inside a machine through its guest agent. */
export class Guest {
  private commands = 0;

  constructor(private readonly channel: AgentChannel) {}

  /** Waits until the agent answers. @throws NoAnswer */
  async present(timeoutMs: number): Promise<void> {
    await this.channel.ask('guest-ping', {}, timeoutMs);
  }

  /**
   * Not by the agent's own `guest-set-time`: that also sets the hardware's clock, and waits for the turn of a second.
   * @param now a restored machine believes that it is still the time of its snapshot
   */
  async setTime(now: Date): Promise<void> {
    const pid = await this.start(['date', '--utc', `--set=@${(now.getTime() / 1000).toFixed(3)}`]);
    const status = await this.end(pid);
    if (status.exitcode !== 0)
      throw new NoAnswer(`its clock could not be set: ${bytesOf(status['err-data']).toString('utf8')}`);
  }

  /** @throws NoAnswer when the machine is gone */
  async exec(command: readonly string[] | string, options: ExecOptions = {}): Promise<CommandResult> {
    const begun = performance.now();
    const { timeoutMs = EXEC_LIMIT_MS } = options;
    const argv = typeof command === 'string' ? ['sh', '-c', command] : [...command];
    const to = `/run/vouch-${++this.commands % 64}`;
    const pid = await this.start(['setsid', 'sh', '-c', WRAPPER, 'sh', to, ...argv]);
    const heard =
      options.onOutput === undefined ? null : new Overhearing(this.ask.bind(this), `${to}.out`, options.onOutput);
    let timedOut = false;
    let status = await this.status(pid);
    for (let waitMs = 10; !status.exited; waitMs = Math.min(waitMs * 1.5, 250)) {
      const left = timeoutMs - (performance.now() - begun);
      timedOut = left <= 0;
      if (timedOut || options.signal?.aborted === true) {
        status = await this.kill(pid, to);
        break;
      }
      await sleep(Math.min(waitMs, left), undefined, signalOf(options)).catch(() => undefined);
      await heard?.look();
      status = await this.status(pid);
    }
    const [stdout, stderr] = [bytesOf(status['out-data']), bytesOf(status['err-data'])];
    await heard?.end(stdout, stderr);
    return {
      exitCode: status.exitcode ?? null,
      stdout: stdout.toString('utf8'),
      stderr: stderr.toString('utf8'),
      durationMs: Math.round(performance.now() - begun),
      timedOut,
    };
  }

  async put(file: string, content: string | Uint8Array | Readable, mode: string): Promise<void> {
    await this.mustExec(`Making a place for ${file}`, ['sh', '-c', 'mkdir -p "$(dirname "$1")"', 'sh', file]);
    const handle = await this.ask('guest-file-open', { path: file, mode: 'w' });
    try {
      for await (const chunk of inChunks(content, this.channel.largestWrite)) {
        await this.ask('guest-file-write', { handle, 'buf-b64': chunk.toString('base64') });
      }
    } finally {
      await this.ask('guest-file-close', { handle });
    }
    await this.mustExec(`Setting the mode of ${file}`, ['chmod', mode, file]);
  }

  async get(file: string): Promise<Buffer> {
    const handle = await this.ask('guest-file-open', { path: file, mode: 'r' });
    const parts: Buffer[] = [];
    try {
      for (let eof = false; !eof;) {
        const chunk = Chunk.parse(await this.ask('guest-file-read', { handle, count: CHUNK_BYTES }));
        parts.push(Buffer.from(chunk['buf-b64'], 'base64'));
        eof = chunk.eof;
      }
    } finally {
      await this.ask('guest-file-close', { handle });
    }
    return Buffer.concat(parts);
  }

  /** Asks the machine to shut down in order; there is no answer to that. */
  async powerDown(): Promise<void> {
    await this.channel.ask('guest-shutdown', { mode: 'powerdown' }, 2000).catch((error: unknown) => {
      if (!(error instanceof NoAnswer)) throw error;
    });
  }

  /** Waits until systemd has started what it was going to start. @returns its last word, e.g. `running` */
  async settled(deadline: number): Promise<string> {
    let state = 'unknown';
    while (performance.now() < deadline && state !== 'running' && state !== 'degraded') {
      const timeoutMs = Math.max(1, deadline - performance.now());
      const answer = await this.exec(['systemctl', 'is-system-running'], { timeoutMs });
      state = answer.stdout.trim() || state;
      if (state !== 'running' && state !== 'degraded') await sleep(250);
    }
    return state;
  }

  private async kill(pid: number, to: string): Promise<Status> {
    const rest = `env kill -KILL -- -${pid}; head -c 8388608 ${to}.out; head -c 8388608 ${to}.err >&2`;
    const killer = await this.start(['sh', '-c', rest]);
    const status = await this.end(killer);
    await this.status(pid);
    return { ...status, exitcode: undefined };
  }

  private async start([program = '', ...args]: readonly string[]): Promise<number> {
    return Started.parse(
      await this.ask('guest-exec', { path: program, arg: args, env: ENVIRONMENT, 'capture-output': true }),
    ).pid;
  }

  /** What a program that soon ends has come to. */
  private async end(pid: number): Promise<Status> {
    const deadline = performance.now() + ANSWER_MS;
    let status = await this.status(pid);
    while (!status.exited) {
      if (performance.now() > deadline) throw new NoAnswer('a program that soon ends has not ended');
      status = await sleep(20).then(() => this.status(pid));
    }
    return status;
  }

  private async status(pid: number): Promise<Status> {
    return Status.parse(await this.ask('guest-exec-status', { pid }));
  }

  private ask(command: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
    return this.channel.ask(command, args, ANSWER_MS);
  }

  private async mustExec(what: string, command: readonly string[]): Promise<void> {
    const result = await this.exec(command);
    if (result.exitCode !== 0) throw new ExecFailed(what, result);
  }
}

const bytesOf = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64');
const signalOf = ({ signal }: ExecOptions): { signal?: AbortSignal } => (signal === undefined ? {} : { signal });

async function* inChunks(content: string | Uint8Array | Readable, bytes: number): AsyncGenerator<Buffer> {
  const source = content instanceof Readable ? content : Readable.from([Buffer.from(content)]);
  let held: Buffer[] = [];
  let size = 0;
  for await (const piece of source as AsyncIterable<Buffer>) {
    for (let from = 0; from < piece.length; from += bytes) {
      const part = piece.subarray(from, from + bytes);
      held.push(part);
      size += part.length;
      if (size < bytes) continue;
      yield Buffer.concat(held);
      [held, size] = [[], 0];
    }
  }
  if (size > 0) yield Buffer.concat(held);
}
