import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';

/** A block of consecutive user (and group) ids of the host that machines use as their own. */
export interface IdRange {
  readonly first: number;
  readonly count: number;
}

/** No ids are set aside for machines. */
export class NoSubordinateIds extends Error {
  readonly code = 'no-subordinate-ids';
  constructor(user: string, file: string) {
    super(
      `The user ${user} has no range of 65536 ids in ${file}: add one, e.g. with usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${user}.`,
    );
    this.name = 'NoSubordinateIds';
  }
}

/** Above what distributions hand out to people and services, below the sign bit. */
const ROOT_DEFAULT: IdRange = { first: 1_879_048_192, count: 65_536 };

/**
 * The range for machines of this process. Root may map anything, so it falls back to a fixed, otherwise unused range.
 * @param file `/etc/subuid` or `/etc/subgid`, see subuid(5)
 * @throws NoSubordinateIds for an ordinary user without an entry
 */
export async function subordinateIds(file: string): Promise<IdRange> {
  const { username, uid } = userInfo();
  const text = await readFile(file, 'utf8').catch(() => '');
  const range = findRange(text, username, uid);
  if (range !== undefined) return range;
  if (uid === 0) return ROOT_DEFAULT;
  throw new NoSubordinateIds(username, file);
}

/** Finds the first block of at least 65536 ids of a user in the text of a subuid(5) file. */
export function findRange(text: string, user: string, uid: number): IdRange | undefined {
  for (const line of text.split('\n')) {
    const [owner, first, count] = line.trim().split(':');
    if (owner !== user && owner !== String(uid)) continue;
    const range = { first: Number(first), count: Number(count) };
    if (Number.isSafeInteger(range.first) && range.count >= 65_536) return { first: range.first, count: 65_536 };
  }
  return undefined;
}
