// `npm run verify -- VERDICT... [--file FILE]...`: checks signed verdicts without asking anybody.
import { build } from './prepare.mjs';
import { verifyVerdicts } from './verify-verdicts.mjs';

process.exitCode = await verifyVerdicts(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  prepare: () => build(() => undefined),
});
