import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { IndexTruncated, IndexUnsigned, IndexWronglySigned } from '../../domain/errors.js';

const run = promisify(execFile);
const TRUSTED_DIRECTORIES = ['/etc/apt/trusted.gpg.d', '/usr/share/keyrings'];

/**
 * Verifies a clear-signed index with the distribution's keyring by `gpgv`, which every apt depends on.
 *
 * @param signedBy key ring file, armoured key, or null for the rings that apt trusts
 * @returns the text that was signed, as gpgv wrote it: what stands around the signature is never used
 * @throws IndexUnsigned, IndexTruncated, IndexWronglySigned
 */
export async function verifyClearSigned(
  index: Buffer,
  signedBy: string | null,
): Promise<{ text: string; signedBy: string }> {
  const raw = index.toString('latin1');
  if (!raw.includes('-----BEGIN PGP SIGNED MESSAGE-----')) throw new IndexUnsigned();
  if (!raw.includes('-----BEGIN PGP SIGNATURE-----') || !/-----END PGP SIGNATURE-----\s*$/.test(raw)) {
    throw new IndexTruncated('The signed index');
  }
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'vouch-gpgv-'));
  try {
    const [input, output] = [path.join(directory, 'InRelease'), path.join(directory, 'Release')];
    await fs.writeFile(input, index);
    const rings = (await keyrings(signedBy, directory)).flatMap((ring) => ['--keyring', ring]);
    const { stdout } = await run('gpgv', [
      '--homedir',
      directory,
      '--status-fd',
      '1',
      ...rings,
      '--output',
      output,
      input,
    ]).catch((error: { stdout?: string; stderr?: string; message: string }) => {
      // gpgv also fails when only one of several signatures is by a key that it does not have.
      if (error.stdout?.includes('[GNUPG:] VALIDSIG') && !error.stdout.includes('[GNUPG:] BADSIG'))
        return { stdout: error.stdout };
      throw new IndexWronglySigned(
        (error.stderr ?? error.message).split('\n').filter(Boolean).at(-1) ?? 'gpgv refused it',
      );
    });
    const key = /\[GNUPG:\] VALIDSIG ([0-9A-F]+)/.exec(stdout)?.[1];
    if (key === undefined) throw new IndexWronglySigned('no valid signature');
    return { text: await fs.readFile(output, 'utf8'), signedBy: key };
  } finally {
    await fs.rm(directory, { recursive: true, force: true });
  }
}

async function keyrings(signedBy: string | null, directory: string): Promise<string[]> {
  if (signedBy === null) {
    const found = await Promise.all(
      TRUSTED_DIRECTORIES.map(async (folder) =>
        (await fs.readdir(folder).catch(() => [])).map((name) => path.join(folder, name)),
      ),
    );
    const files = found.flat().filter((file) => /\.(gpg|asc|pgp)$/.test(file));
    return Promise.all(files.map((file) => binaryKeyring(file, directory)));
  }
  if (signedBy.startsWith('/')) return [await binaryKeyring(signedBy, directory)];
  const inline = path.join(directory, 'inline.asc');
  await fs.writeFile(inline, signedBy.replace(/^\s*\.$/gm, '').trim());
  return [await binaryKeyring(inline, directory)];
}

/** gpgv of older releases reads only binary key rings. */
async function binaryKeyring(file: string, directory: string): Promise<string> {
  const text = await fs.readFile(file, 'latin1').catch(() => {
    throw new IndexWronglySigned(`the key ring ${path.basename(file)} cannot be read`);
  });
  const armour =
    /-----BEGIN PGP PUBLIC KEY BLOCK-----(?:\r?\n[^\r\n]+)*?\r?\n\r?\n([\s\S]+?)\r?\n=?[\w+/=]{0,5}\r?\n?-----END/.exec(
      text,
    );
  if (!armour?.[1]) return file;
  const target = path.join(directory, `${path.basename(file)}.gpg`);
  await fs.writeFile(target, Buffer.from(armour[1].replace(/\s/g, ''), 'base64'));
  return target;
}
