import { hash, verify } from '@node-rs/argon2';

/** Argon2id with the library's defaults, which follow OWASP's password storage cheat sheet (19 MiB, 2 passes). */
export const hashPassword = (password: string): Promise<string> => hash(password);

const decoy = hashPassword('no member has this password');

/** Takes as long when there is no such member, or one without a password. */
export async function isPassword(passwordHash: string | null | undefined, password: string): Promise<boolean> {
  const right = await verify(passwordHash ?? (await decoy), password);
  return right && passwordHash !== null && passwordHash !== undefined;
}
