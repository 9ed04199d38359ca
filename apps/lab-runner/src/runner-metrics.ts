import { statfs } from 'node:fs/promises';
import type { RunReport } from '@vouch/contracts';
import type { DriverDescription } from '@vouch/lab';
import type { Readiness } from '@vouch/platform';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/**
 * How a run ended on this host. The verdict is the server's to give: `complete` says that the whole plan was done, the next
 * two what cut it short, `called-off` that the server or a stop did, `given-up` that the runner could not go on.
 */
export type RunEnd = 'complete' | 'stopped-by-patch' | 'stopped-by-lab' | 'called-off' | 'given-up';

export const endOf = ({ observations: { failure } }: Pick<RunReport, 'observations'>): RunEnd =>
  failure === null ? 'complete' : failure.blame === 'patch' ? 'stopped-by-patch' : 'stopped-by-lab';

/** What a lab-runner says of itself to those who look after it. */
export class RunnerMetrics {
  readonly registry = new Registry();
  readonly running = new Gauge({
    name: 'vouch_lab_runs_in_progress',
    help: 'Test runs that this runner is at, by driver',
    labelNames: ['driver'] as const,
    registers: [this.registry],
  });
  readonly runs = new Counter({
    name: 'vouch_lab_runs_total',
    help: 'Test runs that ended here since the start, by driver and by how they ended',
    labelNames: ['driver', 'result'] as const,
    registers: [this.registry],
  });
  readonly goldens = new Counter({
    name: 'vouch_lab_golden_builds_total',
    help: 'Goldens that were built or found ready since the start, by driver and outcome',
    labelNames: ['driver', 'outcome'] as const,
    registers: [this.registry],
  });
  readonly goldenSeconds = new Histogram({
    name: 'vouch_lab_golden_build_duration_seconds',
    help: 'Time until a golden was ready, by driver',
    labelNames: ['driver'] as const,
    buckets: [1, 10, 30, 60, 120, 300, 900],
    registers: [this.registry],
  });
  private readonly drivers = new Gauge({
    name: 'vouch_lab_driver_info',
    help: 'Kinds of machine that this runner offers; always 1',
    labelNames: ['driver', 'fidelity'] as const,
    registers: [this.registry],
  });
  private offered: readonly DriverDescription[] = [];
  private lab = 'not looked at yet';
  private server = 'not reached yet';

  /** @param directory where goldens and machines lie */
  constructor(directory: string) {
    this.registry.setDefaultLabels({ process: 'lab-runner' });
    collectDefaultMetrics({ register: this.registry });
    new Gauge({
      name: 'vouch_lab_free_disk_bytes',
      help: 'Room for goldens, machines and the files of runs',
      registers: [this.registry],
      async collect() {
        const { bavail, bsize } = await statfs(directory);
        this.set(bavail * bsize);
      },
    });
  }

  /** What was said to the server, and that it has heard it. @param unavailable why no lab can be run, or null */
  introduced(unavailable: string | null, drivers: readonly DriverDescription[]): void {
    this.lab = unavailable ?? 'up';
    this.server = 'up';
    this.offered = unavailable === null ? drivers : [];
    this.drivers.reset();
    for (const { name, fidelity } of this.offered) this.drivers.set({ driver: name, fidelity }, 1);
  }

  /** The server does not answer at the moment. */
  unreachable(why: string): void {
    this.server = why;
  }

  reached(): void {
    this.server = 'up';
  }

  /** Ready to be given runs: a lab can be run here, and the server knows it. */
  readiness(): Promise<Readiness> {
    const ready = this.offered.length > 0 && this.server === 'up';
    const drivers = this.offered.map(({ name, fidelity }) => `${name} (${fidelity})`).join(', ');
    return Promise.resolve({ ready, detail: { lab: this.lab, server: this.server, drivers } });
  }
}
