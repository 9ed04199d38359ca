import fs from 'node:fs/promises';
import path from 'node:path';
import { KeyStoreError, requireKeyName, type KeyStore } from '../../key-store.port.js';
import type { Signer } from '../../signer.port.js';
import { openFileSigner } from './file-signer.js';

/** Keys in PEM files of a folder that only their owner may read: the default. */
export class FileKeyStore implements KeyStore {
  constructor(private readonly directory: string) {}

  async open(name: string): Promise<Signer> {
    if (!(await this.has(name)))
      throw new KeyStoreError(`There is no key ${name} in the folder of keys: make it first.`);
    return openFileSigner(this.fileOf(name));
  }

  has(name: string): Promise<boolean> {
    return fs.access(this.fileOf(name)).then(
      () => true,
      () => false,
    );
  }

  create(name: string): Promise<Signer> {
    return openFileSigner(this.fileOf(name));
  }

  private fileOf(name: string): string {
    return path.join(this.directory, `${requireKeyName(name)}.pem`);
  }
}
