import fs from 'node:fs/promises';
import path from 'node:path';
import * as openpgp from 'openpgp';

/** A key file that others than its owner may read. */
export class AptKeyExposed extends Error {
  readonly code = 'apt-key-exposed';
  constructor(file: string) {
    super(`The key file ${path.basename(file)} may be read by others: set its mode to 0600.`);
  }
}

/** Clear-signs apt indices with an OpenPGP key in a file that only its owner may read; made at the first use. */
export class OpenPgpSigner {
  private constructor(
    private readonly key: openpgp.PrivateKey,
    readonly publicKeyArmored: string,
    readonly fingerprint: string,
  ) {}

  /** @throws AptKeyExposed */
  static async open(file: string, userName: string): Promise<OpenPgpSigner> {
    await makeOnce(file, userName);
    const { mode } = await fs.stat(file);
    if ((mode & 0o077) !== 0) throw new AptKeyExposed(file);
    const key = await openpgp.readPrivateKey({ armoredKey: await fs.readFile(file, 'utf8') });
    return new OpenPgpSigner(key, key.toPublic().armor(), key.getFingerprint());
  }

  /** Key files of a folder, newest first: `apt-3.asc`, `apt-2.asc`, `apt.asc`. */
  static async filesIn(directory: string): Promise<string[]> {
    const names = (await fs.readdir(directory)).filter((name) => /^apt(-\d+)?\.asc$/.test(name));
    const generation = (name: string): number => Number(/\d+/.exec(name)?.[0] ?? 1);
    return names.sort((a, b) => generation(b) - generation(a)).map((name) => path.join(directory, name));
  }

  async clearSign(text: string, date: Date): Promise<string> {
    const message = await openpgp.createCleartextMessage({ text });
    return openpgp.sign({ message, signingKeys: this.key, date });
  }
}

/** One armoured keyring of several public keys: apt reads no more than one block from a file. */
export async function aptKeyring(armouredKeys: readonly string[]): Promise<string> {
  const keys = await Promise.all(armouredKeys.map((armoredKey) => openpgp.readKey({ armoredKey })));
  return openpgp.armor(openpgp.enums.armor.publicKey, Buffer.concat(keys.map((key) => key.toPublic().write())));
}

/** Fingerprints of a keyring's keys, in hexadecimal. */
export async function keyringFingerprints(armoredKeys: string): Promise<string[]> {
  return (await openpgp.readKeys({ armoredKeys })).map((key) => key.getFingerprint());
}

/** RSA: every apt of today and of ten years ago verifies it. */
async function makeOnce(file: string, userName: string): Promise<void> {
  const there = await fs.access(file).then(
    () => true,
    () => false,
  );
  if (there) return;
  await fs.mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const { privateKey } = await openpgp.generateKey({
    type: 'rsa',
    rsaBits: 3072,
    userIDs: [{ name: userName }],
    format: 'armored',
  });
  const temporary = `${file}.${process.pid}`;
  await fs.writeFile(temporary, privateKey, { mode: 0o600 });
  try {
    await fs.link(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await fs.rm(temporary, { force: true });
  }
}
