import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProbeResult } from '@vouch/contracts';
import { CHECK_LIMIT_MS, quote, type MachineCheck } from '../domain/machine-check.js';
import { heedSlowness, judge } from '../domain/probes.js';
import type { LabMachine } from '../lab-machine.port.js';
import type { StepResult } from './run-recorder.js';

interface Patience {
  /** For all checks together. */
  readonly settleMs: number;
  readonly signal: AbortSignal;
  /** Hears each answer, and that a check is asked again. */
  readonly say?: (text: string) => void;
}

/**
 * Asks a machine everything in the list. What is not healthy is asked again for a while, since a service may need a moment
 * after it was restarted.
 * @param before how the same checks went before the patch; what takes far longer now is not healthy
 * @returns results in the order of the list
 */
export async function runChecks(
  machine: LabMachine,
  checks: readonly MachineCheck[],
  { settleMs, signal, say }: Patience,
  before: readonly ProbeResult[] = [],
): Promise<ProbeResult[]> {
  const deadline = performance.now() + settleMs;
  const heeded = (result: ProbeResult): ProbeResult =>
    heedSlowness(
      result,
      before.find(({ name }) => name === result.name),
    );
  const settled = async (check: MachineCheck): Promise<ProbeResult> => {
    let result = heeded(await ask(machine, check, signal));
    if (!result.ok) say?.(`${lineOf(result)}, asked again\n`);
    while (!result.ok && performance.now() < deadline && !signal.aborted) {
      await sleep(500);
      result = heeded(await ask(machine, check, signal));
    }
    say?.(`${lineOf(result)}\n`);
    return result;
  };
  const results: ProbeResult[] = new Array<ProbeResult>(checks.length);
  const together = await askTogether(
    machine,
    checks.filter(({ timeoutMs }) => timeoutMs <= CHECK_LIMIT_MS),
    signal,
  );
  const healthy = new Map([...together].filter(([, result]) => heeded(result).ok));
  for (const result of healthy.values()) say?.(`${lineOf(result)}\n`);
  const queue = checks.entries();
  const askNext = async (): Promise<void> => {
    for (const [index, check] of queue) results[index] = healthy.get(check) ?? (await settled(check));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askNext));
  return results;
}

const lineOf = ({ ok, name, detail }: ProbeResult): string =>
  `${ok ? 'good' : 'not good'}: ${name}${detail === '' ? '' : ` (${detail})`}`;

/** More would make each of them slower on a machine with few processors. */
const AT_ONCE = 3;

/** All green, or which are not. */
export function summary(probes: readonly ProbeResult[]): StepResult {
  const red = probes.filter((probe) => !probe.ok);
  const detail =
    red.length === 0
      ? `all ${probes.length} checks are green`
      : `${red.length} of ${probes.length} checks are red: ${red.map((probe) => `${probe.name} (${probe.detail})`).join('; ')}`;
  return { ok: red.length === 0, detail, probes };
}

const MARK = 'CHECK_MARK';

/**
 * Asks one check after the other by one program, which takes the machine and its host far less than a program for each.
 * @returns what was answered; a check that is not healthy, or was not come to, has its say when it is asked alone
 */
async function askTogether(
  machine: LabMachine,
  checks: readonly MachineCheck[],
  signal: AbortSignal,
): Promise<Map<MachineCheck, ProbeResult>> {
  if (checks.length === 0) return new Map();
  // Another one each time, so that no answer can contain it and speak for the next check.
  const own = `${MARK}-${randomUUID()}`;
  const mark = `read -r up rest < /proc/uptime; echo "${own} $? $up"`;
  const scripts = checks.map(
    ({ script }) => `sh -c ${quote(script)} < /dev/null 2> /dev/null\ncode=$?; ${mark.replace('$?', '$code')}`,
  );
  const { stdout } = await machine.exec([mark, ...scripts].join('\n'), { timeoutMs: CHECK_LIMIT_MS, signal });
  const [, , begun, ...said] = stdout.split(new RegExp(`${own} (\\d+) ([\\d.]+)\\n`));
  let since = Number(begun);
  const answered = checks.slice(0, Math.floor(said.length / 3)).map((check, index) => {
    const [answer = '', exitCode, up] = said.slice(3 * index, 3 * index + 3);
    const durationMs = Math.round((Number(up) - since) * 1000);
    since = Number(up);
    const result = { exitCode: Number(exitCode), stdout: answer, stderr: '', timedOut: false };
    return [check, judge(check, result, durationMs)] as const;
  });
  return new Map(answered);
}

async function ask(machine: LabMachine, check: MachineCheck, signal: AbortSignal): Promise<ProbeResult> {
  const answer = await machine.exec(check.script, { timeoutMs: check.timeoutMs, signal });
  return judge(check, answer, answer.durationMs);
}
