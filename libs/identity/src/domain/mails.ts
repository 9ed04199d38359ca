/** What the product writes to people. */
export type Mail =
  | {
      readonly kind: 'invitation';
      readonly organisation: string;
      readonly by: string;
      readonly secret: string;
      readonly days: number;
    }
  | { readonly kind: 'password-reset'; readonly name: string; readonly secret: string; readonly minutes: number }
  | { readonly kind: 'password-changed'; readonly name: string };

export interface MailText {
  readonly subject: string;
  readonly text: string;
}

/**
 * Plain text, so that nothing in a name can be markup, and short enough that the link is seen.
 * @param publicUrl address of the console, without a slash at the end
 */
export function writeMail(mail: Mail, publicUrl: string): MailText {
  switch (mail.kind) {
    case 'invitation':
      return {
        subject: `Invitation to ${oneLine(mail.organisation)} on Vouch`,
        text: paragraphs(
          `${oneLine(mail.by)} invites you to ${oneLine(mail.organisation)} on Vouch, where updates for your computers are tested before they are installed.`,
          `Open this address to choose a password. It works once, for ${mail.days} days:`,
          `${publicUrl}/#/invitation/${mail.secret}`,
          'If you do not know why you get this, do nothing: without the link nobody joins.',
        ),
      };
    case 'password-reset':
      return {
        subject: 'A new password for Vouch',
        text: paragraphs(
          `Hello ${oneLine(mail.name)},`,
          `somebody, perhaps you, asked for a new password. Open this address to choose one. It works once, for ${mail.minutes} minutes:`,
          `${publicUrl}/#/new-password/${mail.secret}`,
          'If it was not you, do nothing: your password stays as it is.',
        ),
      };
    case 'password-changed':
      return {
        subject: 'Your password for Vouch was changed',
        text: paragraphs(
          `Hello ${oneLine(mail.name)},`,
          'your password was changed, and every other session was ended.',
          `If it was not you, ask for a new password at once at ${publicUrl} and tell whoever looks after your account.`,
        ),
      };
  }
}

const paragraphs = (...all: readonly string[]): string => `${all.join('\n\n')}\n`;
/** A name cannot begin a new line, neither in the text nor in a header. */
const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
