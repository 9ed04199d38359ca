import { type Observable, Subject } from 'rxjs';
import { Listener } from '@vouch/platform';

export interface LiveMessage {
  readonly type: 'change' | 'resync';
  readonly topic: string;
}

/** Tells consoles that something was committed. A hint without content: the console asks again for what it may see. */
export class LiveFeed {
  private readonly subject = new Subject<LiveMessage>();
  private readonly listener: Listener;

  constructor(databaseUrl: string) {
    this.listener = new Listener(
      databaseUrl,
      'vouch_outbox',
      (topic) => this.subject.next({ type: 'change', topic }),
      () => this.subject.next({ type: 'resync', topic: '' }),
    );
  }

  get messages(): Observable<LiveMessage> {
    return this.subject.asObservable();
  }

  start(): Promise<void> {
    return this.listener.start();
  }

  async close(): Promise<void> {
    this.subject.complete();
    await this.listener.close();
  }
}
