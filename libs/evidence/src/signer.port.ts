/** Signs with one key that never leaves it. A file, an HSM or a cloud's key service can stand behind it. */
export interface Signer {
  /** SHA-256 of the public key's SubjectPublicKeyInfo (DER), in hexadecimal. */
  readonly keyId: string;
  /** SubjectPublicKeyInfo in PEM; ECDSA on P-256. */
  readonly publicKeyPem: string;
  /** ECDSA P-256 with SHA-256 over `bytes`; DER. */
  sign(bytes: Uint8Array): Promise<Buffer>;
}
