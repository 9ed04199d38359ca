import { createHmac } from 'node:crypto';
import { newId } from './state.js';

const RETRIES_MS = [0, 500, 2_000, 8_000, 30_000];

/** Sends signed events, again after a failure, as the provider does: at least once and in no promised order. */
export class Webhooks {
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(
    private readonly url: string | undefined,
    private readonly secret: string,
  ) {}

  send(type: string, object: unknown): void {
    if (this.url === undefined) return;
    const created = Math.floor(Date.now() / 1000);
    const event = {
      id: newId('evt'),
      object: 'event',
      type,
      created,
      livemode: false,
      data: { object: structuredClone(object) },
    };
    this.try(JSON.stringify(event), 0);
  }

  close(): void {
    for (const timer of this.timers) clearTimeout(timer);
  }

  private try(body: string, attempt: number): void {
    const delay = RETRIES_MS[attempt];
    if (delay === undefined || this.url === undefined) return;
    const url = this.url;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      const at = Math.floor(Date.now() / 1000);
      const signature = createHmac('sha256', this.secret).update(`${at}.${body}`).digest('hex');
      fetch(url, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', 'stripe-signature': `t=${at},v1=${signature}` },
        signal: AbortSignal.timeout(5_000),
      }).then(
        (response) => {
          if (!response.ok) this.try(body, attempt + 1);
        },
        () => this.try(body, attempt + 1),
      );
    }, delay);
    this.timers.add(timer);
  }
}
