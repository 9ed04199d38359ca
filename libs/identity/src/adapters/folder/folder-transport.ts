import fs from 'node:fs/promises';
import path from 'node:path';
import type { MailTransport, OutgoingMail } from '../../mail-transport.port.js';

/** Stands in for a mail server where none is configured: each mail becomes a file that only its owner may read. */
export class FolderTransport implements MailTransport {
  constructor(private readonly folder: string) {}

  async send({ id, to, subject, text }: OutgoingMail): Promise<void> {
    await fs.mkdir(this.folder, { recursive: true, mode: 0o700 });
    const lines = [`To: ${to}`, `Subject: ${subject}`, 'X-Vouch-Not-Sent: no mail server is configured', '', text];
    await fs.writeFile(path.join(this.folder, `${id}.eml`), lines.join('\n'), { mode: 0o600 });
  }
}
