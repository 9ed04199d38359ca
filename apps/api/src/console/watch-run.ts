import { setTimeout as sleep } from 'node:timers/promises';
import type { OutputPiece, WatchRuns } from '@vouch/lab';
import { firstValueFrom, merge, timer } from 'rxjs';
import { STILL_IN_EVERY_MS } from '../access/still-in.js';
import type { LiveFeed } from './live-feed.js';

/** News is only a hint and may be lost; a sign of life also keeps proxies from closing the connection. */
const LOOK_MS = 20_000;
/** What comes at almost the same time is told at once. */
const SETTLE_MS = 200;

type Place = Pick<OutputPiece, 'attempt' | 'number'>;

/**
 * A run's output as server-sent events, as it comes, until the run ends or whoever watches may not any more.
 * @param after the piece that was seen last
 */
export async function* watchRun(
  runs: WatchRuns,
  live: LiveFeed,
  runId: string,
  after: Place | null,
  mayGoOn: () => Promise<boolean>,
): AsyncGenerator<string> {
  let stopped = false;
  const stopping = live.ended.subscribe(() => (stopped = true));
  try {
    for (let last = after, asked = Date.now(); !stopped; await sleep(SETTLE_MS)) {
      if (Date.now() - asked >= STILL_IN_EVERY_MS) {
        if (!(await mayGoOn())) return;
        asked = Date.now();
      }
      // Asked for before the look, so that nothing falls between the two.
      const news = firstValueFrom(merge(live.newsOfRun(runId), live.ended, timer(LOOK_MS)));
      const { ended, pieces } = (await runs.read(runId, last)) ?? { ended: true, pieces: [] };
      for (const { attempt, number, step, text } of pieces) {
        yield `id: ${attempt}.${number}\nevent: output\ndata: ${JSON.stringify({ attempt, step, text })}\n\n`;
      }
      last = pieces.at(-1) ?? last;
      yield ended ? 'event: end\ndata: {}\n\n' : ': alive\n\n';
      if (ended) return;
      await news;
    }
  } finally {
    stopping.unsubscribe();
  }
}

/** @param eventId as a browser says it that lost the connection; what is none of ours is as if it had not been said */
export function placeOf(eventId: string | undefined): Place | null {
  const [, attempt, number] = /^(\d{1,9})\.(\d{1,9})$/.exec(eventId ?? '') ?? [];
  return attempt === undefined ? null : { attempt: Number(attempt), number: Number(number) };
}
