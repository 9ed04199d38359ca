import { setTimeout as sleep } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import type { WrittenFiles } from '../../domain/machine-diff.js';
import {
  EXEC_LIMIT_MS,
  ExecFailed,
  MachineLost,
  mustExec,
  type CommandResult,
  type ExecOptions,
  type LabMachine,
  type ResourceUse,
} from '../../lab-machine.port.js';
import type { Machine } from './machine.js';

/** What is not known of a machine that may take as much of its host as it likes, in phrases. */
const UNLIMITED = {
  memory: 'what happens when the memory of a machine is used up: this lab cannot limit it',
  processes: 'what happens when there can be no more processes: this lab cannot limit them',
} as const;

/** A sandbox as a plan uses it. */
export class SandboxMachine implements LabMachine {
  readonly writesApart = true;

  constructor(private readonly machine: Machine) {}

  get isRunning(): boolean {
    return this.machine.isRunning;
  }

  get unmeasured(): readonly string[] {
    return this.machine.unlimited.map((what) => UNLIMITED[what]);
  }

  exec(command: readonly string[] | string, options: ExecOptions = {}): Promise<CommandResult> {
    return this.run((limits) => this.machine.exec(command, { ...limits, ...options }), options);
  }

  async put(file: string, content: string | Uint8Array | Readable, mode = '0644'): Promise<void> {
    const result = await this.run((limits) => this.machine.write(file, content, mode, limits));
    if (result.exitCode !== 0) throw new ExecFailed(`Writing ${file}`, result);
  }

  async get(file: string): Promise<Uint8Array> {
    return Buffer.from(await mustExec(this, `Reading ${file}`, ['base64', '--', file]), 'base64');
  }

  written(): Promise<WrittenFiles> {
    return this.machine.disk.written();
  }

  reboot(limitMs: number): Promise<void> {
    return this.machine.reboot(limitMs);
  }

  usage(): Promise<ResourceUse> {
    return this.machine.usage();
  }

  exhausted(): Promise<string | null> {
    return this.machine.exhausted();
  }

  discard(): Promise<void> {
    return this.machine.discard();
  }

  private async run(
    work: (limits: { readonly timeoutMs: number }) => Promise<CommandResult>,
    options: ExecOptions = {},
  ): Promise<CommandResult> {
    this.mustRun();
    const result = await work({ timeoutMs: EXEC_LIMIT_MS });
    if (result.exitCode === null && !result.timedOut && options.signal?.aborted !== true) {
      // Killed by somebody else: by the end of the whole machine, which this process may hear of a moment later.
      for (let patience = 20; patience > 0 && this.isRunning; patience--) await sleep(50);
      this.mustRun();
    }
    return result;
  }

  private mustRun(): void {
    if (!this.isRunning) throw new MachineLost(this.machine.name, 'its first process has ended');
  }
}
