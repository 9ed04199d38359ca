import type { Tx } from '@vouch/platform';
import { chooseRun, type WaitingRun } from './domain/fair-queue.js';

/** Of all that the same origins want with the same urgency, a turn looks at so many: the most wanted, and the oldest. */
const CHOICE = 20;

/**
 * Chooses the run whose turn it is, and notes that its origins had their turn. Turns are taken one after the other, by
 * whichever runner: whoever gives one holds the queue until its transaction ends.
 * @returns the run's id, locked; null when there is nothing for this runner
 */
export async function takeTurn(
  tx: Tx,
  runnerId: string,
  drivers: readonly string[] | null,
  now: Date,
): Promise<string | null> {
  // An idle runner asks twice a second and need not hold the queue for that.
  if ((await waitingFor(tx, runnerId, drivers)).length === 0) return null;
  const [queue] = await tx.query<{ now: number }>('select now from lab_queue for update');
  const waiting = await waitingFor(tx, runnerId, drivers);
  const rows = await tx.query<{ origin: string; next: number }>('select origin, next from lab_queue_turn');
  const before = { now: queue?.now ?? 0, next: new Map(rows.map(({ origin, next }) => [origin, next])) };
  const choice = chooseRun(waiting, before, now);
  if (choice === null) return null;
  const { run, turns } = choice;
  await tx.query('update lab_queue set now = $1', [turns.now]);
  for (const [origin, next] of turns.next)
    if (next !== before.next.get(origin))
      await tx.query(
        'insert into lab_queue_turn (origin, next) values ($1, $2) on conflict (origin) do update set next = excluded.next',
        [origin, next],
      );
  // Whose next turn is over begins at the queue's own time, as somebody who was never here.
  await tx.query('delete from lab_queue_turn where next <= $1', [turns.now]);
  return run.id;
}

/** Queued runs whose golden this runner has ready, of drivers that it has room for. */
async function waitingFor(tx: Tx, runnerId: string, drivers: readonly string[] | null): Promise<WaitingRun[]> {
  return tx.query<WaitingRun>(
    `with room as (
       select d.value ->> 'name' as driver from lab_runner l cross join jsonb_array_elements(l.drivers) d
        where l.id = $1 and ($2::text[] is null or d.value ->> 'name' = any ($2))
          and ((d.value ->> 'capacity') is null or (d.value ->> 'capacity')::int > (
                select count(*) from lab_test_run o
                 where o.runner_id = $1 and o.state in ('leased', 'running') and o.driver = d.value ->> 'name')))
     select id, urgency, origins, priority as machines, queued_at as "queuedAt" from (
       select r.id, r.urgency, r.origins, r.priority, r.queued_at,
              row_number() over (partition by r.origins, r.urgency order by r.priority desc, r.queued_at) as wanted,
              row_number() over (partition by r.origins, r.urgency order by r.queued_at) as oldest
         from lab_test_run r
         join lab_golden g on g.digest = r.golden_digest and g.runner_id = $1 and g.state = 'ready'
         join room on room.driver = g.driver
        where r.state = 'queued') waiting
      where wanted <= $3 or oldest <= $3`,
    [runnerId, drivers, CHOICE],
  );
}
