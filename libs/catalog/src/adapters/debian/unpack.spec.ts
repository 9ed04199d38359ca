import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { IndexMalformed, IndexTooLarge } from '../../domain/errors.js';
import { unpack } from './unpack.js';

const packers: [string, (bytes: Buffer) => Buffer][] = [
  ['Packages.xz', (bytes) => execFileSync('xz', ['--stdout', '-1'], { input: bytes, maxBuffer: 1 << 24 })],
  ['Packages.gz', (bytes) => gzipSync(bytes)],
];

describe.each(packers)('%s', (name, pack) => {
  const text = Buffer.from('Package: tzdata\n'.repeat(5000));

  it('unpacks to what was packed, up to the very limit', async () => {
    expect((await unpack(name, pack(text), text.length)).equals(text)).toBe(true);
  });

  it('is stopped one byte above the limit', async () => {
    await expect(unpack(name, pack(text), text.length - 1)).rejects.toBeInstanceOf(IndexTooLarge);
  });

  it('a decompression bomb is stopped long before it has unpacked', async () => {
    const bomb = pack(Buffer.alloc(128 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(512 * 1024);
    const before = process.memoryUsage().arrayBuffers;
    await expect(unpack(name, bomb, 1024 * 1024)).rejects.toBeInstanceOf(IndexTooLarge);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });

  it('cut off is an error, not a shorter text', async () => {
    const packed = pack(text);
    await expect(unpack(name, packed.subarray(0, packed.length - 20), 1 << 24)).rejects.toBeInstanceOf(IndexMalformed);
  });
});
