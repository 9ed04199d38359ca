import { newId, publish, shared, type Clock, type Database, type SealedBox, type Tx } from '@vouch/platform';
import { writeMail, type Mail } from './domain/mails.js';

export { writeMail, type Mail, type MailText } from './domain/mails.js';

/** Where the text of a mail lies: sealed there it opens nowhere else. */
export const mailPlaceOf = (id: string): string => `mail:${id}`;

/** Puts mails where the worker takes them, in the transaction that they tell of. */
export class Mailbox {
  constructor(
    private readonly database: Database,
    private readonly box: SealedBox,
    private readonly publicUrl: string,
    private readonly clock: Clock,
  ) {}

  async add(tx: Tx, recipient: string, mail: Mail): Promise<void> {
    const id = newId();
    const now = this.clock();
    const { subject, text } = writeMail(mail, this.publicUrl.replace(/\/$/, ''));
    await tx.query(
      'insert into platform_mail (id, recipient, subject, sealed, created_at, next_at) values ($1, $2, $3, $4, $5, $5)',
      [id, recipient, subject, this.box.seal(text, mailPlaceOf(id)), now],
    );
    await publish(tx, { topic: 'identity.mail-added', payload: { mailId: id }, correlationId: newId() });
  }

  send(recipient: string, mail: Mail): Promise<void> {
    return this.database.transaction(shared, (tx) => this.add(tx, recipient, mail));
  }
}
