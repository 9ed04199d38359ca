import { utimes } from 'node:fs/promises';

/** Notes that the golden of a record was used just now, so that it is not collected. */
export async function noteUse(record: string): Promise<void> {
  const now = new Date();
  await utimes(record, now, now);
}
