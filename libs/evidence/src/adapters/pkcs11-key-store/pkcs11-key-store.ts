import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createHash, createPublicKey } from 'node:crypto';
import { keyIdOf } from '../../domain/dsse.js';
import { KeyStoreError, requireKeyName, type KeyStore } from '../../key-store.port.js';
import type { Signer } from '../../signer.port.js';
import { requireP256, requireValid, run } from '../command-key-store/command-key-store.js';

export interface Pkcs11Settings {
  /** Path of the token's PKCS#11 library, e.g. `/usr/lib/softhsm/libsofthsm2.so`. */
  readonly module: string;
  readonly tokenLabel: string;
  /** Handed to pkcs11-tool in its environment, never as an argument that other users could read. */
  readonly pin: string;
  /** Further environment of the library, e.g. SOFTHSM2_CONF. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Keys on a token or HSM, by label, through OpenSC's pkcs11-tool: the private key never leaves the device. */
export class Pkcs11KeyStore implements KeyStore {
  constructor(private readonly settings: Pkcs11Settings) {}

  async open(name: string): Promise<Signer> {
    const publicKeyPem = await this.publicKey(name);
    if (publicKeyPem === null) throw new KeyStoreError(`The token holds no key ${name}: make it first.`);
    return { keyId: keyIdOf(publicKeyPem), publicKeyPem, sign: (bytes) => this.sign(name, publicKeyPem, bytes) };
  }

  async has(name: string): Promise<boolean> {
    return (await this.publicKey(name)) !== null;
  }

  async create(name: string): Promise<Signer> {
    if (!(await this.has(name))) {
      const made = await this.tool('--keypairgen', '--key-type', 'EC:prime256v1', '--label', requireKeyName(name));
      if (made !== 0) throw new KeyStoreError(`The token did not make the key ${name}.`);
    }
    return this.open(name);
  }

  private publicKey(name: string): Promise<string | null> {
    return inFolder(async (folder) => {
      const file = path.join(folder, 'key.der');
      const read = ['--read-object', '--type', 'pubkey', '--label', requireKeyName(name), '--output-file', file];
      if ((await this.tool(...read)) !== 0) return null;
      const der = await readFile(file).catch(() => Buffer.alloc(0));
      if (der.length === 0) return null;
      const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
      return requireP256(key.export({ type: 'spki', format: 'pem' }).toString(), name);
    });
  }

  private sign(name: string, publicKeyPem: string, bytes: Uint8Array): Promise<Buffer> {
    return inFolder(async (folder) => {
      const [input, output] = [path.join(folder, 'bytes'), path.join(folder, 'signature')];
      // Every token signs a digest; hashing on the token itself is not offered by all.
      await writeFile(input, createHash('sha256').update(bytes).digest());
      const code = await this.tool(
        ...['--sign', '--mechanism', 'ECDSA', '--signature-format', 'openssl', '--label', requireKeyName(name)],
        ...['--input-file', input, '--output-file', output],
      );
      if (code !== 0) throw new KeyStoreError(`The token did not sign with the key ${name}.`);
      return requireValid(publicKeyPem, bytes, await readFile(output), name);
    });
  }

  private async tool(...args: string[]): Promise<number | null> {
    const { module, tokenLabel, pin, env } = this.settings;
    const login = ['--module', module, '--token-label', tokenLabel, '--login', '--pin', 'env:VOUCH_TOKEN_PIN'];
    return (await run(['pkcs11-tool', ...login, ...args], undefined, { VOUCH_TOKEN_PIN: pin, ...env })).code;
  }
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'vouch-token-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
