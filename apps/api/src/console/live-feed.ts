import { RUN_OUTPUT_CHANNEL } from '@vouch/lab';
import { Listener, type Database } from '@vouch/platform';
import { concatMap, EMPTY, filter, from, merge, of, type Observable, ReplaySubject, Subject } from 'rxjs';
import { concerns, News, type Audience } from './audience.js';

export interface LiveMessage {
  readonly type: 'change' | 'resync';
  readonly topic: string;
}

const RESYNC: LiveMessage = { type: 'resync', topic: '' };

/** Tells consoles that something was committed. A hint without content: the console asks again for what it may see. */
export class LiveFeed {
  private readonly news = new Subject<News | 'resync'>();
  private readonly grown = new Subject<string>();
  /** Emits once, when the server stops: a stream that went on would keep it from stopping. */
  readonly ended = new ReplaySubject<void>(1);
  private readonly listener: Listener;

  constructor(
    databaseUrl: string,
    private readonly database: Database,
  ) {
    this.listener = new Listener(
      databaseUrl,
      {
        vouch_outbox: (text) => this.news.next(newsOf(text)),
        [RUN_OUTPUT_CHANNEL]: (runId) => this.grown.next(runId),
      },
      () => this.news.next('resync'),
    );
  }

  /** What this audience may hear. */
  messagesFor(audience: Audience): Observable<LiveMessage> {
    return this.news.pipe(
      concatMap((news) => {
        if (news === 'resync') return of(RESYNC);
        // Whoever cannot be told what changed is told to look.
        const told = concerns(this.database, audience, news).catch(() => null);
        return from(told).pipe(
          concatMap((mine) => {
            if (mine === null) return of(RESYNC);
            return mine ? of({ type: 'change' as const, topic: news.topic }) : EMPTY;
          }),
        );
      }),
    );
  }

  /** Says when there is something new to read of a run's output, or when the run may have ended. */
  newsOfRun(runId: string): Observable<unknown> {
    return merge(
      this.grown.pipe(filter((grown) => grown === runId)),
      this.news.pipe(filter((news) => news === 'resync' || news.topic.startsWith('lab.run-'))),
    );
  }

  start(): Promise<void> {
    return this.listener.start();
  }

  async close(): Promise<void> {
    this.ended.next();
    this.news.complete();
    this.grown.complete();
    await this.listener.close();
  }
}

/** A notification that is none of ours tells nobody anything but to look. */
function newsOf(text: string): News | 'resync' {
  try {
    return News.parse(JSON.parse(text));
  } catch {
    return 'resync';
  }
}
