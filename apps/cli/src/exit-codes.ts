import { ApiProblem, ServerUnreachable } from '@vouch/client';

/** How the program ends, for scripts. */
export const EXIT = {
  done: 0,
  unexpected: 1,
  usage: 2,
  notSignedIn: 3,
  notFound: 4,
  serverTrouble: 5,
  refused: 6,
  notApproved: 10,
  notWhole: 11,
} as const;

export const EXIT_CODES_HELP = `
Exit codes: 0 done, 2 wrong usage, 3 not signed in or not allowed, 4 not found, 5 the server does not answer or is busy,
6 refused for another reason, 10 (check) not approved, 11 (audit verify) not
as it was written, 1 anything else.`;

/** Something that the person at the keyboard can mend. */
export class UsageProblem extends Error {
  constructor(
    message: string,
    readonly exitCode: number = EXIT.usage,
  ) {
    super(message);
  }
}

/** One sentence and an exit code for whatever went wrong. */
export function explain(error: unknown): { sentence: string; exitCode: number } {
  if (error instanceof UsageProblem) return { sentence: error.message, exitCode: error.exitCode };
  if (error instanceof ServerUnreachable) return { sentence: error.message, exitCode: EXIT.serverTrouble };
  if (error instanceof ApiProblem) return { sentence: sentenceOf(error), exitCode: exitCodeOf(error.status) };
  return { sentence: error instanceof Error ? error.message : String(error), exitCode: EXIT.unexpected };
}

function exitCodeOf(status: number): number {
  if (status === 401 || status === 403) return EXIT.notSignedIn;
  if (status === 404) return EXIT.notFound;
  return status === 429 || status >= 500 ? EXIT.serverTrouble : EXIT.refused;
}

function sentenceOf(problem: ApiProblem): string {
  if (problem.status === 401)
    return 'The API key is not valid: it was revoked, has expired, or its maker is gone. Run `vouch login`.';
  if (problem.status === 403) return `${problem.message} The API key was not made for this.`;
  return problem.status >= 500
    ? `${problem.message} (correlation id ${problem.correlationId ?? 'unknown'})`
    : problem.message;
}
