import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import xz from 'xz-decompress';
import { IndexMalformed, IndexTooLarge } from '../../domain/errors.js';

const gunzipLimited = promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip);

/**
 * Unpacks an index by the ending of its name, `.xz` or `.gz`, and stops at the limit: some hundred kilobytes can unpack
 * to gigabytes, and a signature says who made them, not that they are harmless.
 * @throws IndexTooLarge, IndexMalformed
 */
export async function unpack(path: string, packed: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return path.endsWith('.xz') ? await unxz(path, packed, maxBytes) : await ungzip(path, packed, maxBytes);
  } catch (error) {
    if (error instanceof IndexTooLarge) throw error;
    throw new IndexMalformed(`${path} cannot be unpacked (${error instanceof Error ? error.message : String(error)})`);
  }
}

async function unxz(path: string, packed: Buffer, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of new xz.XzReadableStream(new Blob([new Uint8Array(packed)]).stream())) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new IndexTooLarge(path, maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function ungzip(path: string, packed: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await gunzipLimited(packed, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof RangeError) throw new IndexTooLarge(path, maxBytes);
    throw error;
  }
}
