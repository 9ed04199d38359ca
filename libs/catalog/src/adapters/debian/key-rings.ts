import fs from 'node:fs/promises';
import path from 'node:path';
import { dearmourKeys } from '../../domain/armour.js';
import { IndexWronglySigned } from '../../domain/errors.js';

/** What apt itself trusts for a source that names no key; other vendors' rings lie elsewhere for a reason. */
const TRUSTED_FILE = '/etc/apt/trusted.gpg';
const TRUSTED_DIRECTORY = '/etc/apt/trusted.gpg.d';

/**
 * The key rings of a source as files that gpgv reads. Armoured ones are unpacked into `directory`, since gpgv reads
 * binary rings only.
 * @throws IndexWronglySigned when a ring that the source names cannot be read
 */
export async function keyRings(signedBy: string | null, directory: string): Promise<string[]> {
  if (signedBy === null) {
    const names = await fs.readdir(TRUSTED_DIRECTORY).catch(() => []);
    const files = names.filter((name) => /\.(gpg|asc)$/.test(name)).map((name) => path.join(TRUSTED_DIRECTORY, name));
    const single = await fs.access(TRUSTED_FILE).then(
      () => [TRUSTED_FILE],
      () => [],
    );
    return Promise.all([...single, ...files].map((file) => binaryRing(file, directory)));
  }
  if (signedBy.startsWith('/')) return [await binaryRing(signedBy, directory)];
  // A sources file writes an empty line of a key as a dot.
  const inline = dearmourKeys(signedBy.replace(/^[ \t]*\.[ \t]*$/gm, ''));
  if (inline === null) throw new IndexWronglySigned('the source names neither a key ring nor a key');
  return [await write(path.join(directory, 'inline.gpg'), inline)];
}

async function binaryRing(file: string, directory: string): Promise<string> {
  const text = await fs.readFile(file, 'latin1').catch(() => {
    throw new IndexWronglySigned(`the key ring ${file} cannot be read`);
  });
  const keys = dearmourKeys(text);
  return keys === null ? file : write(path.join(directory, `${path.basename(file)}.gpg`), keys);
}

async function write(file: string, bytes: Buffer): Promise<string> {
  await fs.writeFile(file, bytes);
  return file;
}
