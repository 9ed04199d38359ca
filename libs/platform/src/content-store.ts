import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { ContentMismatch, ContentUnavailable, requireAddress, type BlobStore } from './blob-store.js';

/** A folder of files named by their SHA-256. Writing is atomic; what is there is never changed. */
export class ContentStore implements BlobStore {
  constructor(private readonly directory: string) {}

  pathOf(sha256: string): string {
    return path.join(this.directory, requireAddress(sha256).slice(0, 2), sha256);
  }

  async has(sha256: string): Promise<boolean> {
    return fs.access(this.pathOf(sha256)).then(
      () => true,
      () => false,
    );
  }

  /** @throws ContentMismatch when `expected` is given and the bytes are others; nothing is kept then */
  async put(bytes: Uint8Array, expected?: string): Promise<string> {
    const actual = createHash('sha256').update(bytes).digest('hex');
    if (expected !== undefined && actual !== expected) throw new ContentMismatch(expected, actual);
    const target = this.pathOf(actual);
    if (await this.has(actual)) return actual;
    await fs.mkdir(path.dirname(target), { recursive: true });
    const temporary = `${target}.${randomUUID()}.part`;
    await fs.writeFile(temporary, bytes, { mode: 0o644 });
    await fs.rename(temporary, target);
    return actual;
  }

  async get(sha256: string): Promise<Buffer> {
    return fs.readFile(this.pathOf(sha256)).catch((error: unknown) => {
      throw new ContentUnavailable(sha256, (error as NodeJS.ErrnoException).code ?? String(error));
    });
  }

  stream(sha256: string): Readable {
    return createReadStream(this.pathOf(sha256));
  }
}
