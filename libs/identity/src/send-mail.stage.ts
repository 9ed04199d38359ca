import { shared, type Clock, type Database, type SealedBox, type Stage } from '@vouch/platform';
import type { MailTransport } from './mail-transport.port.js';
import { mailPlaceOf } from './mails.js';

const CLAIM_MS = 120_000;
const MOST_TRIES = 12;
const LONGEST_WAIT_MS = 6 * 3_600_000;

interface Claimed {
  readonly id: string;
  readonly recipient: string;
  readonly subject: string;
  readonly sealed: string;
  readonly tries: number;
}

/**
 * Sends mails until the server has taken them. The text is forgotten then. A worker that dies between the server's yes
 * and ours sends once more, under the same Message-ID: a mail too many is better than none.
 */
export class SendMailStage implements Stage {
  readonly name = 'mail';
  readonly concurrency = 2;
  readonly wakes = {
    'identity.mail-added': ({ mailId }: Readonly<Record<string, unknown>>) => String(mailId),
  };

  constructor(
    private readonly database: Database,
    private readonly box: SealedBox,
    private readonly transport: MailTransport,
    private readonly clock: Clock,
  ) {}

  async pending(): Promise<string[]> {
    const rows = await this.database.read<{ id: string }>(
      shared,
      `select id from platform_mail where state = 'waiting' and next_at <= $1 order by next_at limit 100`,
      [this.clock()],
    );
    return rows.map(({ id }) => id);
  }

  async process(id: string): Promise<void> {
    const now = this.clock();
    const [mail] = await this.database.read<Claimed>(
      shared,
      `update platform_mail set next_at = $3, tries = tries + 1
        where id = $1 and state = 'waiting' and next_at <= $2 returning id, recipient, subject, sealed, tries`,
      [id, now, new Date(now.getTime() + CLAIM_MS)],
    );
    if (!mail) return;
    try {
      const text = this.box.open(mail.sealed, mailPlaceOf(mail.id));
      await this.transport.send({ id: mail.id, to: mail.recipient, subject: mail.subject, text });
      await this.note(id, `state = 'sent', sealed = null, sent_at = $2, error = ''`, this.clock());
    } catch (error) {
      const wait = Math.min(LONGEST_WAIT_MS, 30_000 * 2 ** mail.tries);
      const said = error instanceof Error ? error.message.slice(0, 300) : 'unknown';
      if (mail.tries >= MOST_TRIES) await this.note(id, `state = 'failed', sealed = null, error = $2`, said);
      else await this.note(id, 'next_at = $2, error = $3', new Date(this.clock().getTime() + wait), said);
    }
  }

  private async note(id: string, changes: string, ...values: unknown[]): Promise<void> {
    await this.database.transaction(shared, (tx) =>
      tx.query(`update platform_mail set ${changes} where id = $1`, [id, ...values]),
    );
  }
}
