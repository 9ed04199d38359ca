// `npm test [PROJECT...]`: everything that must hold, from a clone. Without project names also types, format and lint.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkNode, prepare, root, SetupError } from './prepare.mjs';

const say = (line) => process.stdout.write(`${line}\n`);
const env = { ...process.env, SCARF_ANALYTICS: 'false', NX_DAEMON: 'false' };
const total = { passed: 0, failed: 0, skipped: 0 };
/** What failed, said once more at the very end, where it is seen. */
const failures = [];
/** Projects that wait for machines most of the time, longest first: others use the processor meanwhile. */
const WAITING = ['e2e', 'lab-crashes', 'agent'];
/** The lab measures what patches do to a machine, so it has the machine for itself. */
const ALONE = ['lab'];

/** Runs a program of the workspace; what it says is shown when it ends, so that two at a time can be read. */
async function run(title, script, ...args) {
  const argv = [path.join('node_modules', script), ...args];
  const began = Date.now();
  const child = spawn(process.execPath, argv, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(chunk));
  const status = await new Promise((resolve) => child.once('close', resolve));
  say(`\n${title} (${Math.round((Date.now() - began) / 1000)} s)`);
  process.stdout.write(Buffer.concat(said));
  return status;
}

/** One check outside the test runner counts as one test. */
async function check(title, script, ...args) {
  const ok = (await run(title, script, ...args)) === 0;
  total[ok ? 'passed' : 'failed'] += 1;
  if (!ok) failures.push(title);
  say(`${title}: ${ok ? 'passed' : 'FAILED'}`);
}

async function runTests(project, reports) {
  const file = path.join(reports, `${project}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const argv = ['run', '--project', project, '--passWithNoTests', ...reporters];
  const status = await run(`tests: ${project}`, 'vitest/vitest.mjs', ...argv);
  const report = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : { testResults: [] };
  const results = report.testResults.flatMap((suite) => suite.assertionResults);
  const count = (...states) => results.filter((result) => states.includes(result.status)).length;
  total.passed += count('passed');
  total.skipped += count('skipped', 'pending', 'todo');
  // A file that cannot be loaded, or an error outside all tests, is a failure without a test of its own.
  const failed = results.filter((result) => result.status === 'failed');
  total.failed += status !== 0 ? Math.max(1, failed.length) : failed.length;
  failures.push(...failed.map((result) => `${project}: ${result.fullName}\n${firstLines(result.failureMessages[0])}`));
  if (status !== 0 && failed.length === 0) failures.push(`${project}: no test failed, the run of them did; see above`);
}

function firstLines(message = '') {
  return message.split('\n').slice(0, 12).join('\n');
}

async function checks() {
  await check('types of the tests', 'typescript/bin/tsc', '-p', 'tsconfig.spec.json');
  await check('types of the console', 'typescript/bin/tsc', '-p', 'apps/console/tsconfig.json');
  await check('format', 'prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.');
  // Without the project graph the boundary rule says so and lets everything pass.
  await check('project graph', 'nx/dist/bin/nx.js', 'graph', '--file=.nx/graph.json');
  await check('lint', 'eslint/bin/eslint.js', '.');
}

async function main(wanted) {
  checkNode();
  const advice = await prepare(say, { forTests: true });
  if (advice) say(advice);
  total.passed += 1;
  const { default: config } = await import(pathToFileURL(path.join(root, 'vitest.config.mjs')).href);
  const projects = config.test.projects.map((project) => project.test.name);
  const unknown = wanted.filter((name) => !projects.includes(name));
  if (unknown.length > 0) {
    throw new SetupError(`There is no test project ${unknown.join(', ')}; there are ${projects.join(', ')}.`);
  }
  const reports = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-reports-'));
  try {
    const chosen = (names) => names.filter((name) => wanted.length === 0 || wanted.includes(name));
    const waiting = chosen(WAITING);
    const others = chosen(projects.filter((name) => ![...WAITING, ...ALONE].includes(name)));
    // Whoever has nothing left to do takes over from the other.
    const inTurn = async (...queues) => {
      for (const queue of queues) while (queue.length > 0) await runTests(queue.shift(), reports);
    };
    const checked = wanted.length > 0 ? Promise.resolve() : checks();
    await Promise.all([inTurn(waiting, others), checked.then(() => inTurn(others, waiting))]);
    await inTurn(chosen(ALONE));
  } finally {
    fs.rmSync(reports, { recursive: true, force: true });
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  say(error instanceof SetupError ? error.message : String(error.stack ?? error));
  total.failed += 1;
}
if (total.skipped > 0) say(`${total.skipped} skipped: what this machine lacks for them is said above`);
for (const failure of failures) say(`\nFAILED ${failure}`);
say(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
