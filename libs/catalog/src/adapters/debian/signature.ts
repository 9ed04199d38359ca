import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { IndexTruncated, IndexUnsigned, IndexWronglySigned } from '../../domain/errors.js';
import { readGpgvStatus } from '../../domain/gpgv-status.js';
import { keyRings } from './key-rings.js';

const OUTPUT_LIMIT_BYTES = 1024 * 1024;

/**
 * Verifies a clear-signed index with the distribution's key ring by `gpgv`, which every apt depends on.
 *
 * @param signedBy key ring file, armoured key, or null for the rings that apt trusts
 * @returns the text that was signed, as gpgv wrote it (what stands around the signature is never used), and the
 *   fingerprint of the key
 * @throws IndexUnsigned, IndexTruncated, IndexWronglySigned
 */
export async function verifyClearSigned(
  index: Buffer,
  signedBy: string | null,
): Promise<{ text: string; signedBy: string }> {
  checkFrame(index.toString('latin1'));
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'vouch-gpgv-'));
  try {
    const [input, output] = [path.join(directory, 'InRelease'), path.join(directory, 'Release')];
    await fs.writeFile(input, index);
    const rings = (await keyRings(signedBy, directory)).flatMap((ring) => ['--keyring', ring]);
    const check = readGpgvStatus(
      await gpgv(['--homedir', directory, '--status-fd', '1', ...rings, '--output', output, input]),
    );
    if ('refused' in check) throw new IndexWronglySigned(check.refused);
    return { text: await fs.readFile(output, 'utf8'), signedBy: check.signedBy };
  } finally {
    await fs.rm(directory, { recursive: true, force: true });
  }
}

/** One signed text and nothing before it or after it: a file with more has something to hide. */
function checkFrame(raw: string): void {
  const marks = raw.match(/^-----(BEGIN|END) PGP [A-Z ]+-----/gm) ?? [];
  const [message, signature, end, ...more] = marks;
  if (message !== '-----BEGIN PGP SIGNED MESSAGE-----') throw new IndexUnsigned();
  if (signature !== '-----BEGIN PGP SIGNATURE-----' || end !== '-----END PGP SIGNATURE-----') {
    throw new IndexTruncated('The signed index');
  }
  if (more.length > 0 || !raw.startsWith(message) || !raw.trimEnd().endsWith(end)) {
    throw new IndexWronglySigned('there is more in the file than one signed text');
  }
}

/** The status lines. gpgv's exit code is not asked: it also fails when one of several signatures is by an unknown key. */
function gpgv(parameters: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('gpgv', parameters, { maxBuffer: OUTPUT_LIMIT_BYTES }, (error, stdout) => {
      if (error && typeof error.code !== 'number') reject(error);
      else resolve(stdout);
    });
  });
}
