import { CommanderError } from 'commander';
import { EXIT, explain } from './exit-codes.js';
import { createProgram } from './program.js';

/** A command's own refusals end with our exit code for wrong usage. */
const program = createProgram().exitOverride();
for (const command of program.commands.flatMap((one) => [one, ...one.commands])) command.exitOverride();
process.stdout.on('error', () => process.exit(EXIT.done));
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  } else {
    const { sentence, exitCode } = explain(error);
    process.stderr.write(`vouch: ${sentence}\n`);
    process.exitCode = exitCode;
  }
}
