/** MD5, SHA-1 and RIPEMD-160: apt trusts none of them either. Source: RFC 9580, section 9.5. */
const WEAK_HASHES = new Set(['1', '2', '3']);

/** What a verifier's status lines say of a signed file. */
export type SignatureCheck = { readonly signedBy: string } | { readonly refused: string };

/**
 * Reads gpgv's status lines. One good signature by a living key, over a strong hash, is enough; one bad signature spoils
 * the file. A signature by a key that we do not have says nothing: archives sign with the next release's key too.
 * Source: GnuPG doc/DETAILS. VALIDSIG also follows EXPKEYSIG and REVKEYSIG, so it proves nothing by itself.
 */
export function readGpgvStatus(status: string): SignatureCheck {
  let refused = 'no signature that could be checked';
  let signedBy: string | undefined;
  let isGood = false;
  for (const line of status.split('\n')) {
    const [prefix, keyword = '', ...words] = line.trim().split(' ');
    if (prefix !== '[GNUPG:]') continue;
    if (keyword === 'BADSIG') return { refused: `the signature of key ${words[0]} is not over these bytes` };
    if (keyword === 'NO_PUBKEY') refused = `key ${words[0]} is not in the key ring`;
    if (keyword === 'EXPKEYSIG') refused = `key ${words[0]} has expired`;
    if (keyword === 'REVKEYSIG') refused = `key ${words[0]} is revoked`;
    if (keyword === 'EXPSIG') refused = `the signature of key ${words[0]} has expired`;
    if (/^(GOODSIG|EXPSIG|EXPKEYSIG|REVKEYSIG|ERRSIG)$/.test(keyword)) isGood = keyword === 'GOODSIG';
    if (keyword === 'VALIDSIG' && isGood) {
      if (WEAK_HASHES.has(words[7] ?? '')) refused = `key ${words[0]} signed with a weak hash`;
      else signedBy ??= words[0];
    }
  }
  return signedBy === undefined ? { refused } : { signedBy };
}
