// `npm test [PROJECT...]`: everything that must hold, from a clone. Without project names also types, format and lint.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, checkNode, installDependencies, installSystemPackages, root, SetupError } from './prepare.mjs';

const say = (line) => process.stdout.write(`${line}\n`);
const env = { ...process.env, SCARF_ANALYTICS: 'false', NX_DAEMON: 'false' };
const total = { passed: 0, failed: 0, skipped: 0 };

function run(script, ...args) {
  return spawnSync(process.execPath, [path.join('node_modules', script), ...args], {
    cwd: root,
    env,
    stdio: 'inherit',
  });
}

/** One check outside the test runner counts as one test. */
function check(title, script, ...args) {
  say(`\n${title}`);
  const ok = run(script, ...args).status === 0;
  total[ok ? 'passed' : 'failed'] += 1;
  say(`${title}: ${ok ? 'passed' : 'FAILED'}`);
}

/** One project at a time, so that tests of the lab are not disturbed by others on a small machine. */
function runTests(project, reports) {
  say(`\ntests: ${project}`);
  const file = path.join(reports, `${project}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const { status } = run('vitest/vitest.mjs', 'run', '--project', project, '--passWithNoTests', ...reporters);
  const report = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : { testResults: [] };
  const results = report.testResults.flatMap((suite) => suite.assertionResults);
  const count = (...states) => results.filter((result) => states.includes(result.status)).length;
  total.passed += count('passed');
  total.skipped += count('skipped', 'pending', 'todo');
  // A file that cannot be loaded, or an error outside all tests, is a failure without a test of its own.
  total.failed += status !== 0 ? Math.max(1, count('failed')) : count('failed');
}

async function main(wanted) {
  checkNode();
  installDependencies(say);
  const advice = installSystemPackages(say, { forTests: true });
  if (advice) say(advice);
  const { default: config } = await import(pathToFileURL(path.join(root, 'vitest.config.mjs')).href);
  const projects = config.test.projects.map((project) => project.test.name);
  const unknown = wanted.filter((name) => !projects.includes(name));
  if (unknown.length > 0) {
    throw new SetupError(`There is no test project ${unknown.join(', ')}; there are ${projects.join(', ')}.`);
  }
  build(say);
  total.passed += 1;
  if (wanted.length === 0) {
    check('types of the tests', 'typescript/bin/tsc', '-p', 'tsconfig.spec.json');
    check('types of the console', 'typescript/bin/tsc', '-p', 'apps/console/tsconfig.json');
    check('format', 'prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.');
    // Without the project graph the boundary rule says so and lets everything pass.
    check('project graph', 'nx/dist/bin/nx.js', 'graph', '--file=.nx/graph.json');
    check('lint', 'eslint/bin/eslint.js', '.');
  }
  const reports = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-reports-'));
  try {
    for (const project of wanted.length > 0 ? wanted : projects) runTests(project, reports);
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
say(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
