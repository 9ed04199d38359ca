import { spawn } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { keyIdOf } from '../../domain/dsse.js';
import { KeyStoreError, requireKeyName, type KeyStore } from '../../key-store.port.js';
import type { Signer } from '../../signer.port.js';

const TIMEOUT_MS = 30_000;
const OUTPUT_LIMIT = 64 * 1024;

/**
 * Keys behind a program of the operator's: a cloud's key service, a signing server. It is called as
 * `PROGRAM public-key NAME`, which prints the public key (SubjectPublicKeyInfo, PEM; exit code 3: there is none), and as
 * `PROGRAM sign NAME` with the bytes on its standard input, which prints an ECDSA P-256/SHA-256 signature (DER, base64).
 * Every signature is checked before it is used.
 */
export class CommandKeyStore implements KeyStore {
  /** @param argv the program and its first arguments; no shell stands between */
  constructor(private readonly argv: readonly [string, ...string[]]) {}

  async open(name: string): Promise<Signer> {
    const publicKeyPem = await this.publicKey(name);
    if (publicKeyPem === null) throw new KeyStoreError(`The key program knows no key ${name}: make it there first.`);
    return {
      keyId: keyIdOf(publicKeyPem),
      publicKeyPem,
      sign: (bytes) => this.sign(name, publicKeyPem, bytes),
    };
  }

  async has(name: string): Promise<boolean> {
    return (await this.publicKey(name)) !== null;
  }

  /** A program of the operator's makes no keys for us. */
  create(name: string): Promise<Signer> {
    return this.open(name);
  }

  private async publicKey(name: string): Promise<string | null> {
    const { code, output } = await run([...this.argv, 'public-key', requireKeyName(name)]);
    if (code === 3) return null;
    if (code !== 0)
      throw new KeyStoreError(`The key program ended with ${code} when it was asked for the key ${name}.`);
    return requireP256(output.toString('utf8'), name);
  }

  private async sign(name: string, publicKeyPem: string, bytes: Uint8Array): Promise<Buffer> {
    const { code, output } = await run([...this.argv, 'sign', requireKeyName(name)], bytes);
    if (code !== 0)
      throw new KeyStoreError(`The key program ended with ${code} when it was asked to sign with ${name}.`);
    return requireValid(publicKeyPem, bytes, Buffer.from(output.toString('utf8').trim(), 'base64'), name);
  }
}

/** @throws KeyStoreError unless the text is a public key on P-256 */
export function requireP256(pem: string, name: string): string {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1')
      return key.export({ type: 'spki', format: 'pem' }).toString();
  } catch {
    // Said below.
  }
  throw new KeyStoreError(`What stands for the key ${name} is no public key on P-256.`);
}

/** A store that signs with another key, or garbles what it signs, is found out before anybody else sees it. */
export function requireValid(publicKeyPem: string, bytes: Uint8Array, signature: Buffer, name: string): Buffer {
  if (!verify('sha256', bytes, createPublicKey(publicKeyPem), signature))
    throw new KeyStoreError(`The key store's signature does not hold with the key ${name}.`);
  return signature;
}

export function run(
  argv: readonly string[],
  input?: Uint8Array,
  env?: Readonly<Record<string, string>>,
): Promise<{ code: number | null; output: Buffer }> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
      ...(env === undefined ? {} : { env: { PATH: '/usr/bin:/bin', ...env } }),
    });
    const chunks: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > OUTPUT_LIMIT) child.kill('SIGKILL');
      else chunks.push(chunk);
    });
    child.once('error', (error) =>
      reject(new KeyStoreError(`The key store's program cannot be run (${error.message}).`)),
    );
    child.once('close', (code) => resolve({ code, output: Buffer.concat(chunks) }));
    // A program that does not read its input is judged by its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
