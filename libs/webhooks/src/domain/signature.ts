import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';

/** A signing secret as Standard Webhooks libraries take it: `whsec_` and base64. */
export const secretOf = (bytes: Uint8Array): string => `${PREFIX}${Buffer.from(bytes).toString('base64')}`;

/**
 * The headers of a signed message, by the Standard Webhooks specification 1.0: HMAC-SHA-256 over id, timestamp and body,
 * with one signature for each secret that is valid now.
 *
 * @param at when this attempt is made
 */
export function signedHeaders(id: string, at: Date, body: string, secrets: readonly string[]): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
