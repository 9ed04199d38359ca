import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/**
 * Starts a program in the background, its output to a log file.
 * @param identity as whom it runs: options of setpriv(1)
 * @param orphanSignal what it gets when this process dies, however that happens (`setpriv --pdeathsig`, util-linux)
 */
export function startChild(argv, { log, env = process.env, cwd, identity = [], orphanSignal = 'TERM' } = {}) {
  fs.mkdirSync(path.dirname(log), { recursive: true });
  const output = fs.openSync(log, 'a');
  const child = spawn('setpriv', ['--pdeathsig', orphanSignal, ...identity, '--', ...argv], {
    env,
    cwd,
    stdio: ['ignore', output, output],
    // Ctrl-C in the terminal reaches only the parent, which stops its children in order.
    detached: true,
  });
  fs.closeSync(output);
  child.exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  child.once('error', () => undefined);
  return child;
}

/** Asks a child to stop, and makes it when it does not. */
export async function stopChild(child, { signal = 'SIGTERM', timeoutMs = 10_000 } = {}) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  await child.exited;
  clearTimeout(timer);
}

/** Last lines of a log, for a message. */
export function tail(file, lines = 5) {
  try {
    return fs.readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}
