import type { Readable } from 'node:stream';

/** Bytes were offered under an address that is not theirs. */
export class ContentMismatch extends Error {
  readonly code = 'content-mismatch';
  constructor(expected: string, actual: string) {
    super(`The bytes have SHA-256 ${actual}, not ${expected}; they were not stored.`);
    this.name = 'ContentMismatch';
  }
}

/** The bytes behind an address are not there, or cannot be had now. */
export class ContentUnavailable extends Error {
  readonly code = 'content-unavailable';
  constructor(sha256: string, detail: string) {
    super(`The bytes of ${sha256} cannot be read (${detail}).`);
    this.name = 'ContentUnavailable';
  }
}

/** Bytes by their SHA-256. What is there is never changed, so it can be kept anywhere and by several at once. */
export interface BlobStore {
  has(sha256: string): Promise<boolean>;
  /** @throws ContentMismatch when `expected` is given and the bytes are others; nothing is kept then */
  put(bytes: Uint8Array, expected?: string): Promise<string>;
  /** @throws ContentUnavailable */
  get(sha256: string): Promise<Buffer>;
  /** Fails as a stream does, with an error event, when the bytes are not there. */
  stream(sha256: string): Readable;
}

const ADDRESS = /^[0-9a-f]{64}$/;
/** @throws TypeError, so that nothing that is no digest becomes part of a path or URL */
export function requireAddress(sha256: string): string {
  if (!ADDRESS.test(sha256)) throw new TypeError('A content address is 64 lower-case hexadecimal digits.');
  return sha256;
}
