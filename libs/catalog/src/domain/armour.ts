const BLOCK = /-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n([\s\S]*?)-----END PGP PUBLIC KEY BLOCK-----/g;

/**
 * The bytes of armoured OpenPGP public keys, one after the other; null when the text holds none.
 * The checksum is not looked at: a key that was damaged verifies nothing.
 * Source: RFC 9580, section 6.2 (headers, an empty line, base64, an optional checksum that starts with `=`).
 */
export function dearmourKeys(text: string): Buffer | null {
  const blocks = [...text.matchAll(BLOCK)].map(([, block = '']) => {
    const lines = block.split(/\r?\n/).map((line) => line.trim());
    const body = lines.slice(lines.indexOf('') + 1).filter((line) => !line.startsWith('='));
    return Buffer.from(body.join(''), 'base64');
  });
  return blocks.length === 0 ? null : Buffer.concat(blocks);
}
