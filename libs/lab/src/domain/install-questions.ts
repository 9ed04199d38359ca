/**
 * What a package asks when it is installed, by debconf (debconf-devel(7)). An installation that nobody watches takes the
 * defaults, so what is asked for the first time with a priority of high or critical, i.e. what has no default that suits
 * everybody, is something to know before approving.
 */

/** Variables that have debconf's protocol written to the error output; there is no other record of a question's priority. */
export const TRACED: readonly string[] = ['env', 'DEBCONF_DEBUG=developer'];

/** Prints the questions that the machine knows, one a line. */
export const KNOWN_QUESTIONS =
  "sed -n 's/^Name: //p' /var/cache/debconf/config.dat /var/cache/debconf/passwords.dat 2>/dev/null || true";

const TRACE = /^debconf \(developer\): /;
const ASKED = /^debconf \(developer\): <-- INPUT (?:high|critical) (\S+)/;

/**
 * Questions that were asked and that the machine did not know before, in the order in which they were asked.
 * @param trace what the installation wrote to its error output
 * @param known what {@link KNOWN_QUESTIONS} printed before
 */
export function newQuestions(trace: string, known: string): string[] {
  const before = new Set(known.split('\n'));
  const asked = trace.split('\n').flatMap((line) => ASKED.exec(line)?.[1] ?? []);
  return [...new Set(asked)].filter((name) => !before.has(name));
}

/** The same output as people know it. */
export const withoutTrace = (output: string): string =>
  output
    .split('\n')
    .filter((line) => !TRACE.test(line))
    .join('\n');

/** What is said of them beside a verdict. */
export const cautionOf = (question: string): string =>
  `The installation asked a question (${question}) that nobody answered, so the package's own answer was taken.`;
