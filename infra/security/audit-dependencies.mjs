// `npm run audit:dependencies`: asks the package registry for known vulnerabilities of what we depend on.
// Exit codes: 0 none known, 1 some known, 2 nobody could be asked. Not an answer is never taken for a good one.
import { spawnSync } from 'node:child_process';

const say = (line) => process.stdout.write(`${line}\n`);

/** What `npm audit --json` said, in one of three ways. */
export function readAudit(text) {
  let report;
  try {
    report = JSON.parse(text);
  } catch {
    return { state: 'unknown', reason: 'npm gave no report' };
  }
  const counts = report.metadata?.vulnerabilities;
  if (counts === undefined)
    return { state: 'unknown', reason: report.message ?? report.error?.summary ?? 'no figures' };
  const found = Object.values(report.vulnerabilities ?? {}).map(
    ({ name, severity, range, fixAvailable }) =>
      `${severity}: ${name} ${range}${fixAvailable ? ' (a fixed version exists)' : ''}`,
  );
  return counts.total === 0 ? { state: 'none' } : { state: 'some', found };
}

if (import.meta.filename === process.argv[1]) {
  const { stdout } = spawnSync('npm', ['audit', '--json', ...process.argv.slice(2)], { encoding: 'utf8' });
  const result = readAudit(stdout ?? '');
  if (result.state === 'none') say('No vulnerability of our dependencies is known.');
  if (result.state === 'some') for (const line of result.found) say(line);
  if (result.state === 'unknown') say(`The dependencies were NOT checked: ${result.reason}`);
  process.exitCode = { none: 0, some: 1, unknown: 2 }[result.state];
}
