import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** Not a cursor that this list gave out, with these filters. */
export class CursorRefused extends Error {
  readonly code = 'cursor-refused';
  constructor() {
    super('This cursor is not one of this list with these filters. Start again without it.');
  }
}

const Position = z.tuple([z.string(), z.string()]);
const TAG_BYTES = 16;

/** Says where a page ended. Callers cannot read meaning into a cursor, make one up, or use one for another list. */
export class Cursors {
  constructor(private readonly key: Buffer) {}

  /** @param list name of the list and its filters */
  encode(list: string, sort: string, id: string): string {
    const body = Buffer.from(JSON.stringify([sort, id]));
    return this.seal(list, body).toString();
  }

  /** @throws CursorRefused */
  decode(list: string, cursor: string): { sort: string; id: string } {
    const body = Buffer.from(cursor.split('.')[0] ?? '', 'base64url');
    const given = Buffer.from(cursor);
    const expected = this.seal(list, body);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new CursorRefused();
    const [sort, id] = Position.parse(JSON.parse(body.toString()));
    return { sort, id };
  }

  private seal(list: string, body: Buffer): Buffer {
    const tag = createHmac('sha256', this.key).update(list).update('\0').update(body).digest().subarray(0, TAG_BYTES);
    return Buffer.from(`${body.toString('base64url')}.${tag.toString('base64url')}`);
  }
}
