import { shared, type Database } from '../database/database.js';
import type { Logger } from '../telemetry/logger.js';
import type { Metrics } from '../telemetry/metrics.js';

export interface RelayedEvent {
  readonly id: number;
  readonly topic: string;
  readonly payload: Record<string, unknown>;
  readonly correlationId: string;
}

interface OutboxRow {
  id: number;
  topic: string;
  payload: Record<string, unknown>;
  correlation_id: string;
}

/** Long enough to see in the database what happened last week. */
const KEPT_DAYS = 7;
const PURGE_EVERY_MS = 3_600_000;

/**
 * Hands committed events over, at least once and in order. An event counts as handed over only when the receiver
 * took it, in the same transaction that marks it; what a crash leaves between is handed over again.
 */
export class OutboxRelay {
  private timer: NodeJS.Timeout | undefined;
  private purging: NodeJS.Timeout | undefined;
  private closed = false;
  private running = false;
  private again = false;

  constructor(
    private readonly database: Database,
    private readonly receive: (event: RelayedEvent) => Promise<void>,
    private readonly logger: Logger,
    private readonly metrics: Metrics,
    private readonly everyMs = 1000,
  ) {}

  start(): void {
    this.poke();
    this.timer = setInterval(() => this.poke(), this.everyMs);
    const purge = (): void =>
      void this.purge(KEPT_DAYS).catch((error: Error) => this.logger.warn({ err: error.message }, 'outbox not purged'));
    this.purging = setInterval(purge, PURGE_EVERY_MS);
  }

  /** Removes events that were handed over long ago; what is waiting stays. Returns how many. */
  async purge(keptDays: number): Promise<number> {
    const gone = await this.database.transaction(shared, (tx) =>
      tx.query(`delete from platform_outbox where relayed_at < now() - make_interval(days => $1) returning id`, [
        keptDays,
      ]),
    );
    return gone.length;
  }

  /** Looks now; called on a notification. Calls during a pass cause one more pass, not many. */
  poke(): void {
    if (this.closed) return;
    if (this.running) {
      this.again = true;
      return;
    }
    this.running = true;
    void this.drain().finally(() => {
      this.running = false;
      if (this.again) {
        this.again = false;
        this.poke();
      }
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    clearInterval(this.purging);
    while (this.running) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Relays one batch; returns how many events it had. */
  async relayBatch(limit = 500): Promise<number> {
    return this.database.transaction(shared, async (tx) => {
      const batch = await tx.query<OutboxRow>(
        `select id, topic, payload, correlation_id from platform_outbox
          where relayed_at is null order by id limit $1 for update skip locked`,
        [limit],
      );
      for (const row of batch) {
        await this.receive({ id: row.id, topic: row.topic, payload: row.payload, correlationId: row.correlation_id });
      }
      await tx.query('update platform_outbox set relayed_at = now() where id = any ($1::bigint[])', [
        batch.map((row) => row.id),
      ]);
      this.metrics.outboxWaiting.set(batch.length === limit ? limit : 0);
      return batch.length;
    });
  }

  private async drain(): Promise<void> {
    try {
      while (!this.closed && (await this.relayBatch()) > 0);
    } catch (error) {
      this.logger.warn({ err: error instanceof Error ? error.message : error }, 'outbox relay will be tried again');
    }
  }
}
