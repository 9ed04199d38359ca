import type { WrittenFiles } from '../machine-diff.js';
import { ALTERNATIVES_SCRIPT, readAlternatives } from './alternatives.js';
import { linesOf, type DerivedCheck } from './derived-check.js';
import type { Look } from './look.js';

/** The first look at a machine of a golden, at all of its files. */
export interface FirstLook {
  /** What was read from lists of the walk. */
  readonly walked: Look;
  /** What that machine had written over its golden by then: everything else is the golden's, and so of all its machines. */
  readonly written: WrittenFiles;
}

/**
 * Files that may differ from how they were, when all that was ever written over the golden is known: everything else is
 * certainly as it was.
 */
export function pathsToWalk(before: Look, ...written: readonly WrittenFiles[]): string[] {
  const paths = new Set(written.flatMap((files) => [...files.keys()]));
  // Links that nobody changed lead somewhere else when one in the middle of their way does.
  const isRedirected = [...paths].some((path) => path.startsWith('/etc/alternatives/'));
  const links = isRedirected ? readAlternatives(before.get(ALTERNATIVES_SCRIPT) ?? '').keys() : [];
  return [...new Set([...paths, ...links])];
}

/** What a look read from lists of the walk. */
export const walkedOf = (look: Look, checks: readonly DerivedCheck[]): Look =>
  new Map(scripts(checks).map((script) => [script, look.get(script) ?? '']));

/** What a look saw of some files only, for comparing it with one that saw no others; what is not about files stays. */
export function onlyOf(paths: readonly string[], look: Look, checks: readonly DerivedCheck[]): Look {
  const isOf = linesAbout(paths);
  const some = (text: string): string =>
    linesOf(text)
      .filter((line) => !isFile(line) || isOf(line))
      .join('\n');
  return new Map([...look, ...scripts(checks).map((script) => [script, some(look.get(script) ?? '')] as const)]);
}

/** A look at some files of a machine, made one at all of them with what is known of its golden. */
export function completed(
  look: Look,
  paths: readonly string[],
  { walked }: FirstLook,
  checks: readonly DerivedCheck[],
): Look {
  const isOf = linesAbout(paths);
  const whole = (script: string): string => {
    const rest = linesOf(walked.get(script) ?? '').filter((line) => isFile(line) && !isOf(line));
    return [...linesOf(look.get(script) ?? ''), ...rest].join('\n');
  };
  return new Map([...look, ...scripts(checks).map((script) => [script, whole(script)] as const)]);
}

const scripts = (checks: readonly DerivedCheck[]): string[] =>
  checks.filter(({ runs }) => runs === 'after-walk').map(({ script }) => script);

const isFile = (line: string): boolean => line.startsWith('/');

function linesAbout(paths: readonly string[]): (line: string) => boolean {
  const wanted = new Set(paths);
  return (line) => {
    // What follows the path begins with a tab, and a path may contain one.
    let end = line.indexOf('\t');
    while (end !== -1 && !wanted.has(line.slice(0, end))) end = line.indexOf('\t', end + 1);
    return end !== -1 || wanted.has(line);
  };
}
