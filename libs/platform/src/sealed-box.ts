import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** A sealed text was changed, belongs elsewhere, or was sealed with another key. */
export class SealBroken extends Error {
  readonly code = 'seal-broken';
  constructor() {
    super(
      'A stored secret cannot be opened: VOUCH_SECRETS_KEY is not the key that it was sealed with, or it was changed.',
    );
  }
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Keeps secrets that must be read again out of the database's clear text: AES-256-GCM (NIST SP 800-38D) with a random
 * nonce. Each secret is bound to the place where it lies, so that a copied one does not open elsewhere.
 */
export class SealedBox {
  private readonly key: Buffer;

  /** @param keyBase64 32 bytes in base64 */
  constructor(keyBase64: string) {
    this.key = Buffer.from(keyBase64, 'base64');
    if (this.key.length !== 32) throw new TypeError('A sealing key has 32 bytes.');
  }

  /** @param place names where the secret lies, for instance `webhook-secret:<id>` */
  seal(secret: string, place: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce).setAAD(Buffer.from(place));
    const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return `v1.${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')}`;
  }

  /** @throws SealBroken */
  open(text: string, place: string): string {
    const [version, body = ''] = text.split('.');
    const bytes = Buffer.from(body, 'base64url');
    if (version !== 'v1' || bytes.length < NONCE_BYTES + TAG_BYTES) throw new SealBroken();
    const decipher = createDecipheriv('aes-256-gcm', this.key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(Buffer.from(place))
      .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    try {
      const opened = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
      return opened.toString('utf8');
    } catch {
      throw new SealBroken();
    }
  }

  /** A key for another purpose (HKDF-SHA-256): what it signs says nothing about the sealing key. */
  derive(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.key, Buffer.alloc(0), `vouch ${purpose}`, 32));
  }
}
