import { RUN_OUTPUT_CHANNEL } from '@vouch/lab';
import { Listener } from '@vouch/platform';
import { filter, merge, type Observable, Subject } from 'rxjs';

export interface LiveMessage {
  readonly type: 'change' | 'resync';
  readonly topic: string;
}

/** Tells consoles that something was committed. A hint without content: the console asks again for what it may see. */
export class LiveFeed {
  private readonly subject = new Subject<LiveMessage>();
  private readonly grown = new Subject<string>();
  private readonly listener: Listener;

  constructor(databaseUrl: string) {
    this.listener = new Listener(
      databaseUrl,
      {
        vouch_outbox: (topic) => this.subject.next({ type: 'change', topic }),
        [RUN_OUTPUT_CHANNEL]: (runId) => this.grown.next(runId),
      },
      () => this.subject.next({ type: 'resync', topic: '' }),
    );
  }

  get messages(): Observable<LiveMessage> {
    return this.subject.asObservable();
  }

  /** Says when there is something new to read of a run's output, or when the run may have ended. */
  newsOfRun(runId: string): Observable<unknown> {
    return merge(
      this.grown.pipe(filter((grown) => grown === runId)),
      this.subject.pipe(filter(({ topic }) => topic === '' || topic.startsWith('lab.run-'))),
    );
  }

  start(): Promise<void> {
    return this.listener.start();
  }

  async close(): Promise<void> {
    this.subject.complete();
    this.grown.complete();
    await this.listener.close();
  }
}
