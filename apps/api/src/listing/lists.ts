import { PAGE_SIZE } from '@vouch/contracts';
import type { Database, Scope, Tx } from '@vouch/platform';
import type { Cursors } from './cursor.js';

/** How a list is read. Its order must not change for a row once it is there: then a page never repeats or misses one. */
export interface Listing<Row, View> {
  readonly name: string;
  readonly select: string;
  /** From `from` on, joins and the list's own `where` (always one). */
  readonly from: string;
  /** Newest first by `sort`; `id` decides between equals. */
  readonly sort: { readonly sql: string; readonly type: 'timestamptz' | 'text' };
  readonly id: { readonly sql: string; readonly type: 'uuid' | 'text' };
  /** Conditions by query parameter; `?` stands for its value. */
  readonly filters: Readonly<Record<string, string>>;
  view(row: Row): View;
}

export interface Page<View> {
  readonly items: View[];
  readonly next: string | null;
}

export interface PageQuery {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
  readonly [filter: string]: string | number | undefined;
}

/** Reads lists page by page. */
export class Lists {
  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
  ) {}

  /**
   * @param prepare runs first in the transaction
   * @param fixed conditions that the caller did not choose, by filter name
   * @throws CursorRefused
   */
  async page<Row, View>(
    listing: Listing<Row, View>,
    scope: Scope,
    { limit = PAGE_SIZE, cursor, ...filters }: PageQuery,
    prepare?: (tx: Tx) => Promise<void>,
  ): Promise<Page<View>> {
    const values: unknown[] = [];
    const place = (value: unknown): string => `$${values.push(value)}`;
    const conditions = Object.entries(filters)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => conditionOf(listing, name).replace('?', place(value)));
    const list = JSON.stringify([
      listing.name,
      Object.entries(filters)
        .filter(([, value]) => value !== undefined)
        .sort(),
    ]);
    const { sort, id } = listing;
    if (cursor !== undefined) {
      const after = this.cursors.decode(list, cursor);
      conditions.push(
        `(${sort.sql}, ${id.sql}) < (${place(after.sort)}::${sort.type}, ${place(after.id)}::${id.type})`,
      );
    }
    const sql = `select ${listing.select}, (${sort.sql})::text as page_sort, (${id.sql})::text as page_id ${listing.from}
      ${conditions.map((condition) => `and ${condition}`).join(' ')}
      order by ${sort.sql} desc, ${id.sql} desc limit ${place(limit + 1)}`;
    const rows = await this.database.transaction(scope, async (tx) => {
      await prepare?.(tx);
      return tx.query<Row & { page_sort: string; page_id: string }>(sql, values);
    });
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return {
      items: items.map((row) => listing.view(row)),
      next: rows.length > limit && last ? this.cursors.encode(list, last.page_sort, last.page_id) : null,
    };
  }

  /** The one row of the list with this id, or null. */
  async one<Row, View>(
    listing: Listing<Row, View>,
    scope: Scope,
    id: string,
    prepare?: (tx: Tx) => Promise<void>,
  ): Promise<View | null> {
    const [row] = await this.database.transaction(scope, async (tx) => {
      await prepare?.(tx);
      return tx.query<Row>(`select ${listing.select} ${listing.from} and ${listing.id.sql} = $1`, [id]);
    });
    return row === undefined ? null : listing.view(row);
  }
}

function conditionOf(listing: { name: string; filters: Readonly<Record<string, string>> }, name: string): string {
  const condition = Object.hasOwn(listing.filters, name) ? listing.filters[name] : undefined;
  if (condition === undefined) throw new TypeError(`The list ${listing.name} has no filter ${name}.`);
  return condition;
}

export const iso = (time: Date): string => time.toISOString();
export const isoOrNull = (time: Date | null): string | null => time?.toISOString() ?? null;
