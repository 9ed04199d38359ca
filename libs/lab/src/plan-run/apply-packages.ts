import path from 'node:path';
import type { Artefact } from '@vouch/contracts';
import { newQuestions, TRACED, withoutTrace } from '../domain/install-questions.js';
import type { CommandResult, LabMachine } from '../lab-machine.port.js';
import { bringPackages } from './bring-packages.js';
import type { StepResult } from './run-recorder.js';
import { failure } from './step-failure.js';

/** As an unattended upgrade would: it answers no question, and keeps settings that were changed on the machine. */
export const APT_GET = [
  ...['apt-get', '-q', '-y', '--no-install-recommends'],
  ...['-o', 'Dpkg::Use-Pty=0', '-o', 'APT::Sandbox::User=root'],
  ...['-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold'],
];

export interface InstallOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Hears what apt and the packages' scripts print. */
  readonly onOutput?: (text: string) => void;
}

interface ApplyOptions extends InstallOptions {
  /** Hears that from now on the patch's own scripts may run. */
  readonly onBegin: () => void;
}

/**
 * Installs exactly the given files in a machine without a network: what they need and do not bring is not installed.
 * @param files path on this host by SHA-256
 */
export async function applyPackages(
  machine: LabMachine,
  artefacts: readonly Artefact[],
  files: ReadonlyMap<string, string>,
  options: ApplyOptions,
): Promise<StepResult> {
  const brought = await bringPackages(machine, artefacts, files, options.signal);
  if ('failed' in brought) return brought.failed;
  const { debs, knownQuestions } = brought;

  options.onOutput?.(`apt-get install ${artefacts.map(({ fileName }) => path.posix.basename(fileName)).join(' ')}\n`);
  const rehearsal = await machine.exec([...APT_GET, '--no-remove', '--simulate', 'install', ...debs], options);
  // What was called off has said nothing.
  options.signal.throwIfAborted();
  if (rehearsal.exitCode !== 0) {
    const removed = await wouldRemove(machine, debs, options);
    const log = logOf(rehearsal);
    if (removed.length > 0) {
      const message = `Installing it removes ${removed.join(', ')}.`;
      return { ...failure('patch', 'apply-failed', message), exitCode: rehearsal.exitCode, log };
    }
    const message = 'The patch needs packages that are not part of it.';
    return { ...failure('lab', 'dependency-missing', message), exitCode: rehearsal.exitCode, log };
  }
  options.onBegin();
  const traced = await machine.exec([...TRACED, ...APT_GET, '--no-remove', 'install', ...debs], {
    ...options,
    // Its pieces do not always end with a line: a rest of a trace may be seen by whoever watches, and by nobody later.
    onOutput: (text) => options.onOutput?.(withoutTrace(text)),
  });
  const questions = newQuestions(traced.stderr, knownQuestions);
  const result = { ...traced, stderr: withoutTrace(traced.stderr) };
  const log = `${logOf(rehearsal)}\n${logOf(result)}`;
  if (!result.timedOut) options.signal.throwIfAborted();
  if (result.timedOut) {
    const message = `The installation did not end within ${options.timeoutMs / 1000} s.`;
    return { ...failure('patch', 'time-limit', message), log };
  }
  if (result.exitCode !== 0) {
    const message = `The installation failed with exit code ${String(result.exitCode)}: ${firstComplaint(result)}`;
    return { ...failure('patch', 'apply-failed', message), exitCode: result.exitCode, log };
  }
  return { ok: true, exitCode: 0, detail: `${artefacts.length} packages installed`, log, questions };
}

/** Packages that have to go for these to come; empty too when they cannot be installed at all. */
async function wouldRemove(
  machine: LabMachine,
  debs: readonly string[],
  { timeoutMs, signal }: InstallOptions,
): Promise<string[]> {
  const { exitCode, stdout } = await machine.exec([...APT_GET, '--simulate', 'install', ...debs], {
    timeoutMs,
    signal,
  });
  return exitCode === 0 ? [...stdout.matchAll(/^Remv (\S+)/gm)].map(([, name = '']) => name) : [];
}

export const logOf = ({ stdout, stderr }: CommandResult): string => (stderr === '' ? stdout : `${stdout}\n${stderr}`);

/** dpkg and apt name the culprit in the first line that starts so. */
export function firstComplaint({ stdout, stderr }: CommandResult): string {
  const lines = `${stderr}\n${stdout}`.split('\n');
  return (lines.find((line) => /^(dpkg: error|E: )/.test(line)) ?? lines.at(-1) ?? '').trim();
}
