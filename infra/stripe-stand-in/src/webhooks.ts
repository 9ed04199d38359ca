import { createHmac } from 'node:crypto';
import { newId, type PendingEvent, type State } from './state.js';

const FIRST_RETRY_MS = 500;
const LONGEST_WAIT_MS = 60_000;
const GIVE_UP_AFTER_S = 3 * 86_400;
const seconds = (): number => Math.floor(Date.now() / 1000);

/**
 * Sends signed events, again after a failure, as the provider does: at least once, in no promised order, for three
 * days. What nobody has taken yet is kept with the state, so that a payment is reported even when this process dies
 * right after it.
 */
export class Webhooks {
  private readonly timers = new Set<NodeJS.Timeout>();
  private closed = false;

  constructor(
    private readonly state: State,
    private readonly url: string | undefined,
    private readonly secret: string,
  ) {}

  /** Notes an event and sends it. The caller saves the state, together with the change that the event tells of. */
  send(type: string, object: unknown): void {
    if (this.url === undefined) return;
    const id = newId('evt');
    const created = seconds();
    const body = JSON.stringify({ id, object: 'event', type, created, livemode: false, data: { object } });
    const event = { id, created, body };
    this.state.data.events[id] = event;
    this.try(this.url, event, 0);
  }

  /** Sends what an earlier process could not deliver. */
  resume(): void {
    if (this.url === undefined) return;
    for (const event of Object.values(this.state.data.events)) this.try(this.url, event, 0);
  }

  close(): void {
    this.closed = true;
    for (const timer of this.timers) clearTimeout(timer);
  }

  private try(url: string, event: PendingEvent, attempt: number): void {
    const delay = attempt === 0 ? 0 : Math.min(FIRST_RETRY_MS * 4 ** (attempt - 1), LONGEST_WAIT_MS);
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      void this.deliver(url, event.body).then((taken) => {
        if (this.closed) return;
        if (!taken && seconds() - event.created < GIVE_UP_AFTER_S) return this.try(url, event, attempt + 1);
        delete this.state.data.events[event.id];
        this.state.save();
      });
    }, delay);
    this.timers.add(timer);
  }

  private async deliver(url: string, body: string): Promise<boolean> {
    const at = seconds();
    const signature = createHmac('sha256', this.secret).update(`${at}.${body}`).digest('hex');
    try {
      const response = await fetch(url, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', 'stripe-signature': `t=${at},v1=${signature}` },
        signal: AbortSignal.timeout(5_000),
      });
      return response.ok;
    } catch {
      return false;
    }
  }
}
