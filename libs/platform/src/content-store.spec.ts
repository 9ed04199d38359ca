import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ContentMismatch } from './blob-store.js';
import { ContentStore } from './content-store.js';
import { sha256Hex } from './ids.js';

describe('the content store', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-store-'));
  const store = new ContentStore(folder);
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  it('gives back what was put, under the digest of its bytes', async () => {
    const address = await store.put(Buffer.from('patch'));
    expect(address).toBe(sha256Hex('patch'));
    expect((await store.get(address)).toString()).toBe('patch');
    expect(await store.put(Buffer.from('patch'), address)).toBe(address);
  });

  it('keeps nothing of bytes that are offered under another address', async () => {
    const address = sha256Hex('approved');
    await expect(store.put(Buffer.from('other'), address)).rejects.toThrow(ContentMismatch);
    expect(await store.has(address)).toBe(false);
    expect(await store.has(sha256Hex('other'))).toBe(false);
  });

  it.each(['../../etc/passwd', '', 'A'.repeat(64), `${'a'.repeat(63)}/`])('refuses %j as an address', (address) => {
    expect(() => store.pathOf(address)).toThrow(TypeError);
  });
});
