import { spawn, type SpawnOptions } from 'node:child_process';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { CommandResult } from '../../lab-machine.port.js';

export type { CommandResult };

export interface CommandOptions {
  readonly cwd?: string;
  /** Runs without a limit when absent. */
  readonly timeoutMs?: number;
  readonly stdin?: string | Uint8Array | Readable;
  readonly signal?: AbortSignal;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Hears both streams while the program runs. */
  readonly onOutput?: (text: string) => void;
}

/** A command that had to succeed did not. */
export class CommandFailed extends Error {
  readonly code = 'command-failed';
  constructor(what: string, result: CommandResult) {
    const end = result.timedOut
      ? `was cut off after ${result.durationMs} ms`
      : `exited with ${String(result.exitCode)}`;
    super(`${what} ${end}: ${lastLines(result.stderr || result.stdout)}`);
    this.name = 'CommandFailed';
  }
}

/** A runaway process may print for ever; what is beyond this many bytes of a stream is dropped. */
const OUTPUT_LIMIT_BYTES = 8 * 1024 * 1024;

/**
 * Runs a program in a process group of its own and collects its output. When the time limit passes or the signal
 * aborts, the whole group is killed.
 * @throws the system's error when the program cannot be started at all
 */
export function runCommand(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [program, ...args] = argv;
  if (program === undefined) throw new TypeError('A command needs a program.');
  const startedAt = performance.now();
  const spawnOptions: SpawnOptions = { cwd: options.cwd, detached: true, stdio: ['pipe', 'pipe', 'pipe'] };
  if (options.env !== undefined) spawnOptions.env = { ...options.env };
  const child = spawn(program, args, spawnOptions);
  const stdout = collect(child.stdout, options.onOutput);
  const stderr = collect(child.stderr, options.onOutput);
  feed(child.stdin, options.stdin);

  let timedOut = false;
  const kill = (): void => {
    if (child.pid !== undefined) killGroup(child.pid);
  };
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          kill();
        }, options.timeoutMs);
  options.signal?.addEventListener('abort', kill, { once: true });
  if (options.signal?.aborted) kill();

  return new Promise((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', kill);
    };
    const finish = (exitCode: number | null): void => {
      settle();
      resolve({ exitCode, stdout: stdout(), stderr: stderr(), durationMs: elapsed(startedAt), timedOut });
    };
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('close', finish);
    // A daemon that the command left behind may hold the pipes open: do not wait for it longer than a moment.
    child.once('exit', (exitCode) => {
      setTimeout(() => {
        finish(exitCode);
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, 1000).unref();
    });
  });
}

/**
 * Runs a program that has to succeed.
 * @param what the subject of the error's sentence, e.g. "Building the base layer"
 * @throws CommandFailed
 */
export async function mustRun(
  what: string,
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const result = await runCommand(argv, options);
  if (result.exitCode !== 0) throw new CommandFailed(what, result);
  return result;
}

export const elapsed = (startedAt: number): number => Math.round(performance.now() - startedAt);

function collect(stream: Readable | null, onOutput: CommandOptions['onOutput']): () => string {
  const chunks: Buffer[] = [];
  const decoder = new StringDecoder('utf8');
  let size = 0;
  stream?.on('data', (chunk: Buffer) => {
    if (size < OUTPUT_LIMIT_BYTES) {
      chunks.push(chunk);
      onOutput?.(decoder.write(chunk));
    }
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

function feed(stdin: NodeJS.WritableStream | null, input: CommandOptions['stdin']): void {
  if (stdin === null) return;
  // The program may end without reading everything; its exit code tells what matters.
  stdin.on('error', () => undefined);
  if (input === undefined || typeof input === 'string' || input instanceof Uint8Array) stdin.end(input ?? '');
  else input.pipe(stdin);
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}

const lastLines = (text: string): string => text.trim().split('\n').slice(-6).join(' | ').slice(-1500) || 'no output';
