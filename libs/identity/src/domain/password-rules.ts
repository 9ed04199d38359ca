import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';

/** A password that is too short, too long, or that a guesser would try early. */
export class PasswordRefused extends Error {
  readonly code = 'password-refused';
}

export const PASSWORD_MIN = 12;
export const PASSWORD_MAX = 128;
/** Shorter names are found in many good passwords by chance. */
const NAME_MIN = 6;
/** zxcvbn's scale from 0 to 4: 3 withstands 10^8 guesses. */
const STRONG = 3;

const strength = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });

/**
 * Length and strength, and no rules about kinds of characters (NIST SP 800-63B).
 * @param about words that a guesser knows of this person: name, e-mail address, organisation
 * @throws PasswordRefused
 */
export function checkPassword(password: string, about: readonly string[]): void {
  const { length } = [...password];
  if (length < PASSWORD_MIN) throw new PasswordRefused(`A password has at least ${PASSWORD_MIN} characters.`);
  if (length > PASSWORD_MAX) throw new PasswordRefused(`A password has at most ${PASSWORD_MAX} characters.`);
  const lower = password.toLowerCase();
  const whole = about.flatMap((text) => [text, text.split('@')[0] ?? '']).filter((text) => text.length >= NAME_MIN);
  if (whole.some((text) => lower.includes(text.toLowerCase())))
    throw new PasswordRefused('A password contains neither your name, nor your e-mail address, nor your organisation.');
  const known = [...about, ...about.flatMap((text) => text.split(/[^\p{L}\p{N}]+/u)), 'vouch'].filter(
    (word) => word.length >= 3,
  );
  const { score } = strength.check(password, known);
  if (score < STRONG)
    throw new PasswordRefused(
      'This password is easy to guess: it is a common one, or made of your name, a date or a pattern. Take a few unrelated words.',
    );
}
