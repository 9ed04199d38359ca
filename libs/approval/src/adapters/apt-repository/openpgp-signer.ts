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

  async clearSign(text: string, date: Date): Promise<string> {
    const message = await openpgp.createCleartextMessage({ text });
    return openpgp.sign({ message, signingKeys: this.key, date });
  }
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
