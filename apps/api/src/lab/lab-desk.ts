import { MarkExploited } from '@vouch/catalog';
import { actorOf, type CallerContext } from '@vouch/identity';
import { CancelRun, ManageProfiles, ReadQueue, type Asker } from '@vouch/lab';
import type { Clock, Database } from '@vouch/platform';

/** What those who run the installation can do with the lab. */
export class LabDesk {
  readonly queue: ReadQueue;
  readonly runs: CancelRun;
  readonly exploited: MarkExploited;
  readonly profiles: ManageProfiles;

  constructor(database: Database, clock: Clock) {
    this.queue = new ReadQueue(database);
    this.runs = new CancelRun(database, clock);
    this.exploited = new MarkExploited(database, clock);
    this.profiles = new ManageProfiles(database, clock);
  }
}

export const askerOf = (caller: CallerContext): Asker => ({
  actor: actorOf(caller),
  from: caller.from,
  correlationId: caller.correlationId,
});
