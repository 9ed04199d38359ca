import type { Readable } from 'node:stream';
import type { WrittenFiles } from './domain/machine-diff.js';

/** What a command did. `exitCode` is null when a signal ended it, `timedOut` says that the signal was ours. */
export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
  readonly timedOut: boolean;
}

/** How long a command may take that has no limit of its own: a patch may make any program wait for ever. */
export const EXEC_LIMIT_MS = 120_000;

export interface ExecOptions {
  /** {@link EXEC_LIMIT_MS} when absent. What it started is killed with it. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Hears what it prints while it runs, in pieces; the result holds all of it too. */
  readonly onOutput?: (text: string) => void;
}

/** What a machine takes of its host. */
export interface ResourceUse {
  readonly memoryBytes: number;
  readonly processorMs: number;
  /** What it wrote over its golden. */
  readonly writtenBytes: number;
}

/** A running machine that was restored from a golden. Commands run as root, with a clean environment. */
export interface LabMachine {
  /** False when it has not come up again, or is gone. */
  readonly isRunning: boolean;
  /** True when {@link written} lists whatever differs from the golden, so that everything else is certainly as it was. */
  readonly writesApart?: boolean;
  /** What this machine says nothing about although its kind would, in phrases. */
  readonly unmeasured?: readonly string[];

  /**
   * @param command program and arguments, or a script for `sh`
   * @throws MachineLost when the machine is not there to run it
   */
  exec(command: readonly string[] | string, options?: ExecOptions): Promise<CommandResult>;

  /**
   * Writes a file inside, and the directories above it.
   * @param mode as chmod(1) takes it
   * @throws MachineLost, ExecFailed
   */
  put(file: string, content: string | Uint8Array | Readable, mode?: string): Promise<void>;

  /** Reads a file inside, of at most some megabytes. */
  get(file: string): Promise<Uint8Array>;

  /** Files as they are on its disk now; see `fileDiff` for what may be concluded from two looks. */
  written(): Promise<WrittenFiles>;

  /** Shuts down in order and boots again from what is on the disk. @throws BootFailed */
  reboot(limitMs: number): Promise<void>;

  usage(): Promise<ResourceUse>;

  /** What the machine has used up, so that it cannot work any more, in a sentence; null when it could. */
  exhausted?(): Promise<string | null>;

  /** PNG of the screen, from machines that have one. */
  screenshot?(): Promise<Uint8Array>;

  /** Ends the machine at once and removes everything that it had on this host. */
  discard(): Promise<void>;
}

/** A machine did not come up. */
export class BootFailed extends Error {
  readonly code = 'boot-failed';
  /** @param screen PNG of what it showed last */
  constructor(
    machine: string,
    detail: string,
    readonly screen?: Uint8Array,
  ) {
    super(`The machine ${machine} did not boot: ${detail}.`);
    this.name = 'BootFailed';
  }
}

/** A machine that was running is not there any more: ended, discarded, or without an answer. */
export class MachineLost extends Error {
  readonly code = 'machine-lost';
  constructor(machine: string, detail: string) {
    super(`The machine ${machine} is lost: ${detail}. Restore another one.`);
    this.name = 'MachineLost';
  }
}

/** What a broken machine fails with, whatever broke it; everything else is the doing of its host. */
const OWN_FAILURES: ReadonlySet<unknown> = new Set(['machine-lost', 'exec-failed', 'look-incomplete', 'agent-refused']);

/** Did a machine fail to do what any healthy one can? */
export const isMachinesOwn = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && OWN_FAILURES.has(error.code);

/** A program in a machine that had to succeed did not. */
export class ExecFailed extends Error {
  readonly code = 'exec-failed';
  constructor(what: string, { exitCode, timedOut, durationMs, stderr, stdout }: CommandResult) {
    const end = timedOut ? `was cut off after ${durationMs} ms` : `exited with ${String(exitCode)}`;
    const said = (stderr || stdout).trim().split('\n').slice(-6).join(' | ').slice(-1500);
    super(`${what} ${end}: ${said || 'no output'}`);
    this.name = 'ExecFailed';
  }
}

/** Runs a program that has to succeed. @returns its output @throws ExecFailed */
export async function mustExec(
  machine: Pick<LabMachine, 'exec'>,
  what: string,
  command: readonly string[] | string,
  options: ExecOptions = {},
): Promise<string> {
  const result = await machine.exec(command, options);
  if (result.exitCode !== 0) throw new ExecFailed(what, result);
  return result.stdout;
}
