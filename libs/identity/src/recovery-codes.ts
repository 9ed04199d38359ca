import { randomInt } from 'node:crypto';
import { sha256Hex } from '@vouch/platform';

/** Without letters and digits that look alike. 32 of them: 5 bits each. */
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const GROUPS = 5;
const GROUP = 5;
export const RECOVERY_CODES = 10;

/** A code of 125 bits, so that a plain SHA-256 protects it: `XXXXX-XXXXX-XXXXX-XXXXX-XXXXX`. */
export function newRecoveryCode(): string {
  const group = (): string => Array.from({ length: GROUP }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return Array.from({ length: GROUPS }, group).join('-');
}

/** What is stored of a code; dashes, spaces and small letters do not matter. */
export const recoveryCodeHash = (code: string): string => sha256Hex(code.toUpperCase().replaceAll(/[^A-Z0-9]/g, ''));
