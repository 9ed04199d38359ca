import { stripVTControlCharacters } from 'node:util';

/** Line breaks and tabs are left, and nothing else that steers a terminal or the direction of writing. */
const STEERING = /(?![\n\t])[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** What a program printed, as plain text that is safe to show and to keep. A bar that redraws itself becomes lines. */
export function plainText(printed: string): string {
  return stripVTControlCharacters(printed).replace(/\r\n?/g, '\n').replace(STEERING, '');
}
