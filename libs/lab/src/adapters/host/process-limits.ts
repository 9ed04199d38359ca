import type { MachineGroup, ResourceLimits } from './control-group.js';

/**
 * What stands in for a control group where none can be had: the memory that each process may fill, and how many
 * processes the machine's users may have. Nothing is known of what they take together.
 */
export class ProcessLimits implements MachineGroup {
  readonly directories = [] as const;
  /** Each process has limits; that nothing holds for all of them is what a lab of reduced fidelity says anyway. */
  readonly unlimited = [] as const;

  constructor(private readonly limits: ResourceLimits) {}

  /** See setrlimit(2): RLIMIT_DATA counts what is private and may be written; reserved address space does not count. */
  enter(argv: readonly string[]): string[] {
    const { memoryBytes, processes } = this.limits;
    return ['prlimit', `--data=${memoryBytes}`, `--nproc=${processes}`, '--', ...argv];
  }

  addLeaf(): Promise<void> {
    return Promise.resolve();
  }

  usage(): Promise<{ memoryBytes: number; processorMs: number }> {
    return Promise.resolve({ memoryBytes: 0, processorMs: 0 });
  }

  exhausted(): Promise<null> {
    return Promise.resolve(null);
  }
}
