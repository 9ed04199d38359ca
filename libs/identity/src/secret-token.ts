import { randomBytes } from 'node:crypto';
import { sha256Hex } from '@vouch/platform';

/**
 * A random secret for machines and sessions: 32 bytes, so that a plain SHA-256 protects it. (A slow password hash is
 * for passwords, which people choose.)
 */
export function newSecretToken(prefix: string): { readonly secret: string; readonly sha256: string } {
  const secret = `${prefix}_${randomBytes(32).toString('base64url')}`;
  return { secret, sha256: sha256Hex(secret) };
}
