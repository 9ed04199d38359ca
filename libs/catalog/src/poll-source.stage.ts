import { audit, publish, shared, type Clock, type ContentStore, type Database, type Stage } from '@vouch/platform';
import type { AptSource } from './domain/apt-sources.js';
import { IntakeError } from './domain/errors.js';
import type { Feed } from './feed.port.js';
import { storeSnapshot } from './snapshot-store.js';

interface SourceRow {
  id: string;
  definition: AptSource & { architecture: string };
  release_date: Date | null;
  valid_until: Date | null;
  known: string | null;
}

export type FeedFactory = (source: AptSource & { architecture: string }, lastAccepted: Date | null) => Feed;

/**
 * Polls a source, verifies what it got, and stores it as a snapshot in one transaction. When anything is wrong nothing
 * of the poll is used: only the source's state and its reason change (I7). Key: the source's id.
 */
export class PollSourceStage implements Stage {
  readonly name = 'intake';
  readonly concurrency = 2;
  readonly wakes = {} as const;

  constructor(
    private readonly database: Database,
    private readonly feedOf: FeedFactory,
    private readonly indexes: ContentStore,
    private readonly clock: Clock,
    private readonly intervals: { readonly everySeconds: number; readonly retrySeconds: number },
  ) {}

  async pending(): Promise<string[]> {
    const now = this.clock().getTime();
    const rows = await this.database.read<{ id: string }>(
      shared,
      `select id from catalog_source
        where last_polled_at is null or last_polled_at < case when state = 'ok' then $1::timestamptz else $2::timestamptz end
        order by definition->>'kind' = 'security' desc, id`,
      [new Date(now - this.intervals.everySeconds * 1000), new Date(now - this.intervals.retrySeconds * 1000)],
    );
    return rows.map((row) => row.id);
  }

  async process(sourceId: string, correlationId: string): Promise<void> {
    const [source] = await this.database.read<SourceRow>(
      shared,
      `select s.id, s.definition, s.release_date, s.valid_until,
              (select index_sha256 from catalog_snapshot n where n.source_id = s.id order by fetched_at desc limit 1) as known
         from catalog_source s where s.id = $1`,
      [sourceId],
    );
    if (!source) return;
    try {
      const found = await this.feedOf(source.definition, source.release_date).poll(source.known);
      const now = this.clock();
      if (found.kind === 'snapshot') await this.indexes.put(found.index);
      await this.database.transaction(shared, async (tx) => {
        if (found.kind === 'snapshot') {
          const stored = await storeSnapshot(tx, sourceId, found, now, correlationId);
          audit(tx, {
            tenantId: null,
            at: now,
            actor: 'platform',
            action: 'snapshot.store',
            subject: `source:${sourceId}`,
            why: 'The source offers something new',
            detail: { ...stored, indexSha256: found.indexSha256, signedBy: found.signedBy },
          });
        }
        await tx.query(
          `update catalog_source set state = 'ok', reason = '', last_polled_at = $2, last_verified_at = $2, release_date = $3, valid_until = $4
            where id = $1`,
          [sourceId, now, found.release.date, found.release.validUntil],
        );
        await publish(tx, { topic: 'catalog.source-changed', payload: { sourceId }, correlationId });
      });
    } catch (error) {
      if (!(error instanceof IntakeError)) throw error;
      await this.noteFailure(source, error, correlationId);
    }
  }

  private async noteFailure(source: SourceRow, error: IntakeError, correlationId: string): Promise<void> {
    const now = this.clock();
    // A mirror that is only away leaves the last index good, until that index itself expires.
    const expired =
      error.state === 'unreachable' && source.valid_until !== null && source.valid_until.getTime() <= now.getTime();
    const state = expired ? 'stale' : error.state;
    const reason = expired ? `${error.message} The last index has expired meanwhile.` : error.message;
    await this.database.transaction(shared, async (tx) => {
      const changed = await tx.query(
        `update catalog_source set state = $2, reason = $3, last_polled_at = $4 where id = $1
         returning (select state from catalog_source where id = $1) as before`,
        [source.id, state, reason, now],
      );
      if (changed[0]?.['before'] !== state) {
        const subject = `source:${source.id}`;
        audit(tx, {
          tenantId: null,
          at: now,
          actor: 'platform',
          action: `source.${state}`,
          subject,
          why: reason,
        });
      }
      await publish(tx, { topic: 'catalog.source-changed', payload: { sourceId: source.id }, correlationId });
    });
  }
}
