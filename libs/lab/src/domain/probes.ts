import type { Artefact, ProbeResult } from '@vouch/contracts';
import { bad, check, good, quote, type CheckAnswer, type MachineCheck } from './machine-check.js';

/** Checks of every machine: nothing that systemd calls failed, no package half done. */
export const GENERAL_CHECKS: readonly MachineCheck[] = [
  check('no service has failed', 'systemctl list-units --state=failed --plain --no-legend --no-pager', ({ stdout }) => {
    const failed = stdout.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] || []);
    return failed.length === 0 ? good('none') : bad(`failed: ${failed.join(', ')}`);
  }),
  check('every package is fully installed', 'dpkg --audit', ({ stdout }) =>
    stdout.trim() === '' ? good('yes') : bad(stdout),
  ),
];

/** Checks that packages are there in exactly the wanted version: the new one after the patch, the old one after the way back. */
export function versionChecks(
  packages: readonly Pick<Artefact, 'package' | 'version'>[],
  which: 'new' | 'old' = 'new',
): MachineCheck[] {
  return packages.map((artefact) =>
    check(
      `${artefact.package} has the ${which} version`,
      `dpkg-query -W -f '\${db:Status-Abbrev} \${Version}' ${quote(artefact.package)}`,
      ({ stdout }) =>
        stdout.trim() === `ii  ${artefact.version}` ? good(artefact.version) : bad(stdout.trim() || 'not installed'),
    ),
  );
}

/** Reads a check's answer. What the check itself cannot judge, a hang or a missing program, is not healthy. */
export function judge(check: MachineCheck, answer: CheckAnswer, durationMs: number): ProbeResult {
  const found = answer.timedOut
    ? bad(`no answer within ${check.timeoutMs / 1000} s`)
    : answer.exitCode !== 0
      ? bad(`exit code ${String(answer.exitCode)}: ${answer.stderr.trim() || answer.stdout.trim() || 'no output'}`)
      : check.judge(answer);
  return { name: check.name, ok: found.ok, detail: oneLine(found.detail), durationMs };
}

/** Slower than this is another behaviour, and not a busy host. */
const SLOWER = { factor: 5, ms: 3000 } as const;

/** A check that is still true and takes far longer than before the patch is not healthy any more. */
export function heedSlowness(now: ProbeResult, before: ProbeResult | undefined): ProbeResult {
  if (before === undefined || !now.ok || now.durationMs <= SLOWER.factor * before.durationMs + SLOWER.ms) return now;
  const detail = `so, but after ${now.durationMs} ms; it took ${before.durationMs} ms before`;
  return { ...now, ok: false, detail };
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim().slice(0, 300);
