/** A mail as it leaves. */
export interface OutgoingMail {
  /** The same for every attempt at the same mail, so that a receiver can tell. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** Where mails leave: a mail server, or a folder where none is configured. Throws when it did not take the mail. */
export interface MailTransport {
  send(mail: OutgoingMail): Promise<void>;
}
