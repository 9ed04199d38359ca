import { describe, expect, it } from 'vitest';
import { readGpgvStatus } from './gpgv-status.js';

const FINGERPRINT = 'B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8';
const valid = (hash = '8'): string => `VALIDSIG ${FINGERPRINT} 2026-11-21 1795000000 0 4 0 1 ${hash} 01 ${FINGERPRINT}`;
const status = (...lines: string[]): string => lines.map((line) => `[GNUPG:] ${line}`).join('\n');

describe("gpgv's status lines", () => {
  it('name the key of a good signature, beside others that cannot be checked', () => {
    expect(readGpgvStatus(status('ERRSIG 1 1 8 01 0 9', 'NO_PUBKEY 1', 'GOODSIG 2 Archive', valid()))).toEqual({
      signedBy: FINGERPRINT,
    });
  });

  it.each([
    ['nothing', '', 'no signature'],
    ['a key that we do not have', status('ERRSIG 1 1 8 01 0 9', 'NO_PUBKEY 1'), 'not in the key ring'],
    ['an expired key', status('EXPKEYSIG 1 Archive', valid()), 'expired'],
    ['a revoked key', status('REVKEYSIG 1 Archive', valid()), 'revoked'],
    ['an expired signature', status('EXPSIG 1 Archive', valid()), 'expired'],
    ['SHA-1', status('GOODSIG 1 Archive', valid('2')), 'weak hash'],
    ['one bad signature among good ones', status('GOODSIG 1 A', valid(), 'BADSIG 2 B'), 'not over these bytes'],
    ['a status in the text of a key name', `gpgv: [GNUPG:] GOODSIG 1\n${status(valid())}`, 'no signature'],
  ])('refuse %s', (_, text, reason) => {
    expect(readGpgvStatus(text)).toEqual({ refused: expect.stringContaining(reason) });
  });
});
