import { isUtf8 } from 'node:buffer';

/** The body is not JSON that the API takes. */
export class BodyRefused extends Error {
  readonly code = 'body-refused';
}

export const DEEPEST = 32;
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Reads a JSON body. Depth is counted before anything is built; texts that the database cannot hold and keys that reach
 * for an object's prototype are refused here, once for all routes.
 *
 * @throws BodyRefused
 */
export function readJson(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw new BodyRefused('The body is not UTF-8.');
  if (isTooDeep(bytes)) throw new BodyRefused(`The body is nested deeper than ${DEEPEST} levels.`);
  try {
    return JSON.parse(bytes.toString('utf8'), checked) as unknown;
  } catch (error) {
    if (error instanceof BodyRefused) throw error;
    throw new BodyRefused('The body is not JSON.');
  }
}

function checked(key: string, value: unknown): unknown {
  if (FORBIDDEN_KEYS.has(key)) throw new BodyRefused(`The body has a key "${key}", which is not allowed.`);
  refuseBadText(key);
  if (typeof value === 'string') refuseBadText(value);
  return value;
}

function refuseBadText(text: string): void {
  if (text.includes('\u0000')) throw new BodyRefused('The body has a text with a NUL character.');
  if (/\p{Surrogate}/u.test(text)) throw new BodyRefused('The body has a text with half of a surrogate pair.');
}

const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d];

function isTooDeep(bytes: Buffer): boolean {
  let depth = 0;
  let inText = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (inText) {
      if (byte === BACKSLASH) index += 1;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      depth += 1;
      if (depth > DEEPEST) return true;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
  }
  return false;
}
