import { sha256Hex, shared, type Clock, type Database } from '@vouch/platform';
import { FORGET_MS, THROTTLES, waitSeconds, type ThrottleKind } from './domain/throttle.js';

/** Too many wrong guesses: the next one is not even looked at. */
export class TooManyGuesses extends Error {
  readonly code = 'too-many-guesses';
  constructor(readonly retryAfterSeconds: number) {
    super(`Too many wrong attempts. Try again in ${retryAfterSeconds} seconds.`);
  }
}

export type GuessedAt = readonly (readonly [ThrottleKind, string])[];

interface Row {
  readonly key_sha256: string;
  readonly failures: number;
  readonly last_at: Date;
  readonly blocked_until: Date | null;
}

/** Slows guessing down. Kept in PostgreSQL, so that nothing is forgotten when Redis is. */
export class Throttle {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Counts a guess as wrong before it is looked at, so that many at once do not slip through; `forgive` takes that back.
   * @throws TooManyGuesses
   */
  async guess(at: GuessedAt): Promise<void> {
    const now = this.clock();
    const kinds = new Map(at.map(([kind, value]) => [keyOf(kind, value), kind]));
    const keys = [...kinds.keys()].sort();
    await this.database.transaction(shared, async (tx) => {
      // A few at a time, so that guesses at ever new accounts do not fill the table.
      await tx.query(
        `delete from identity_guess where key_sha256 in (
           select key_sha256 from identity_guess where last_at < $1 limit 100 for update skip locked)`,
        [new Date(now.getTime() - FORGET_MS)],
      );
      for (const key of keys)
        await tx.query(
          'insert into identity_guess (key_sha256, failures, last_at) values ($1, 0, $2) on conflict do nothing',
          [key, now],
        );
      const rows = await tx.query<Row>(
        'select * from identity_guess where key_sha256 = any ($1) order by key_sha256 for update',
        [keys],
      );
      const blocked = Math.max(0, ...rows.map((row) => (row.blocked_until?.getTime() ?? 0) - now.getTime()));
      if (blocked > 0) throw new TooManyGuesses(Math.ceil(blocked / 1000));
      for (const row of rows) {
        const old = now.getTime() - row.last_at.getTime() > FORGET_MS;
        const failures = (old ? 0 : row.failures) + 1;
        const wait = waitSeconds(failures, THROTTLES[kinds.get(row.key_sha256) ?? 'address']);
        await tx.query(
          'update identity_guess set failures = $2, last_at = $3, blocked_until = $4 where key_sha256 = $1',
          [row.key_sha256, failures, now, wait === 0 ? null : new Date(now.getTime() + wait * 1000)],
        );
      }
    });
  }

  /** The guess was right: what was counted at the account is forgotten; the address gets back only this guess. */
  async forgive(at: GuessedAt): Promise<void> {
    await this.database.transaction(shared, async (tx) => {
      for (const [kind, value] of at)
        await tx.query(
          kind === 'address'
            ? 'update identity_guess set failures = greatest(0, failures - 1), blocked_until = null where key_sha256 = $1'
            : 'delete from identity_guess where key_sha256 = $1',
          [keyOf(kind, value)],
        );
    });
  }
}

const keyOf = (kind: ThrottleKind, value: string): string => sha256Hex(`${kind}\n${value}`);
