import { createTransport, type Transporter } from 'nodemailer';
import type { MailTransport, OutgoingMail } from '../../mail-transport.port.js';

/** A mail server, spoken to over SMTP. TLS is asked for, and a wrong certificate refused, unless the URL says otherwise. */
export class SmtpTransport implements MailTransport {
  private readonly transporter: Transporter;

  /**
   * @param url `smtps://user:password@host:465` or `smtp://host:587`
   * @param from the sender, `Vouch <vouch@example.org>`
   */
  constructor(
    url: string,
    private readonly from: string,
  ) {
    this.transporter = createTransport(url, { disableFileAccess: true, disableUrlAccess: true });
  }

  async send({ id, to, subject, text }: OutgoingMail): Promise<void> {
    // As an object the address is one recipient, whatever commas are in it.
    const domain = /@([^>\s]+)/.exec(this.from)?.[1] ?? 'vouch';
    await this.transporter.sendMail({
      from: this.from,
      to: { name: '', address: to },
      subject,
      text,
      messageId: `<${id}@${domain}>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
  }

  close(): void {
    this.transporter.close();
  }
}
