import { MarkExploited } from '@vouch/catalog';
import { CancelRun, ReadQueue } from '@vouch/lab';
import type { Clock, Database } from '@vouch/platform';

/** What those who run the installation can do with the lab. */
export class LabDesk {
  readonly queue: ReadQueue;
  readonly runs: CancelRun;
  readonly exploited: MarkExploited;

  constructor(database: Database, clock: Clock) {
    this.queue = new ReadQueue(database);
    this.runs = new CancelRun(database, clock);
    this.exploited = new MarkExploited(database, clock);
  }
}
