import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { keyIdOf } from '../../domain/dsse.js';
import type { Signer } from '../../signer.port.js';

/** A key file that others than its owner may read, or that holds no ECDSA P-256 key. */
export class KeyFileError extends Error {
  readonly code = 'key-file';
}

/** A key in a PEM file that only its owner may read; made at the first use. */
export async function openFileSigner(file: string): Promise<Signer> {
  await makeOnce(file);
  const { mode } = await fs.stat(file);
  if ((mode & 0o077) !== 0) {
    throw new KeyFileError(`The key file ${path.basename(file)} may be read by others: set its mode to 0600.`);
  }
  const key = createPrivateKey(await fs.readFile(file));
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new KeyFileError(`The key file ${path.basename(file)} holds no ECDSA P-256 key.`);
  }
  return new FileSigner(key);
}

/** Several processes may start at once: the first link wins, and all use what it made. */
async function makeOnce(file: string): Promise<void> {
  await fs.mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const temporary = `${file}.${process.pid}.${Date.now()}`;
  await fs.writeFile(temporary, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  try {
    await fs.link(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await fs.rm(temporary, { force: true });
  }
}

class FileSigner implements Signer {
  readonly publicKeyPem: string;
  readonly keyId: string;

  constructor(private readonly key: KeyObject) {
    this.publicKeyPem = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
    this.keyId = keyIdOf(this.publicKeyPem);
  }

  async sign(bytes: Uint8Array): Promise<Buffer> {
    return sign('sha256', bytes, this.key);
  }
}
