import { sha256Hex, shared, type Clock, type Database } from '@vouch/platform';

const MINUTES = 10;

/** What a browser must bring back, once and soon: only its hash is kept. */
export class Challenges {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** @param sealed what the server needs again when the challenge comes back */
  async issue(purpose: string, challenge: string, memberId: string | null, sealed = ''): Promise<void> {
    const now = this.clock();
    await this.database.transaction(shared, async (tx) => {
      await tx.query('delete from identity_challenge where expires_at < $1', [now]);
      await tx.query(
        'insert into identity_challenge (challenge_sha256, purpose, member_id, sealed, expires_at) values ($1, $2, $3, $4, $5)',
        [sha256Hex(challenge), purpose, memberId, sealed, new Date(now.getTime() + MINUTES * 60_000)],
      );
    });
  }

  /** Takes a challenge: a second time it is not there. @returns null when it is unknown, over, or for something else */
  async take(purpose: string, challenge: string, memberId: string | null): Promise<{ sealed: string } | null> {
    const [taken] = await this.database.transaction(shared, (tx) =>
      tx.query<{ sealed: string }>(
        `delete from identity_challenge where challenge_sha256 = $1 and purpose = $2 and member_id is not distinct from $3
            and expires_at > $4 returning sealed`,
        [sha256Hex(challenge), purpose, memberId, this.clock()],
      ),
    );
    return taken ?? null;
  }
}
