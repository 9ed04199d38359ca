import pg from 'pg';

/**
 * Listens to channels of PostgreSQL and comes back by itself after a lost connection. A notification is only a hint
 * (it is lost while the connection is down), so `onResync` tells the listener to look at the truth again.
 */
export class Listener {
  private client: pg.Client | undefined;
  private closed = false;

  constructor(
    private readonly url: string,
    /** What to do with a notification's payload, by channel. */
    private readonly channels: Readonly<Record<string, (payload: string) => void>>,
    private readonly onResync: () => void,
  ) {}

  async start(): Promise<void> {
    if (this.closed) return;
    const client = new pg.Client({ connectionString: this.url, application_name: 'vouch-listener' });
    this.client = client;
    const again = (): void => {
      if (this.client !== client) return;
      this.client = undefined;
      client.end().catch(() => undefined);
      if (!this.closed) setTimeout(() => void this.start(), 1000).unref();
    };
    client.on('error', again);
    client.on('end', again);
    client.on('notification', ({ channel, payload = '' }) => this.channels[channel]?.(payload));
    try {
      await client.connect();
      for (const channel of Object.keys(this.channels)) await client.query(`listen ${pg.escapeIdentifier(channel)}`);
      this.onResync();
    } catch {
      again();
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    const client = this.client;
    this.client = undefined;
    await client?.end().catch(() => undefined);
  }
}
