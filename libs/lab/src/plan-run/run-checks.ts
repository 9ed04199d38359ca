import { setTimeout as sleep } from 'node:timers/promises';
import type { ProbeResult } from '@vouch/contracts';
import type { MachineCheck } from '../domain/machine-check.js';
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
 * Asks a machine everything in the list, a few questions at a time. What is not healthy is asked again for a while,
 * since a service may need a moment after it was restarted.
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
  const settled = async (check: MachineCheck): Promise<ProbeResult> => {
    const old = before.find(({ name }) => name === check.name);
    const again = async (): Promise<ProbeResult> => heedSlowness(await ask(machine, check, signal), old);
    let result = await again();
    if (!result.ok) say?.(`${lineOf(result)}, asked again\n`);
    while (!result.ok && performance.now() < deadline && !signal.aborted) {
      await sleep(500);
      result = await again();
    }
    say?.(`${lineOf(result)}\n`);
    return result;
  };
  const results: ProbeResult[] = new Array<ProbeResult>(checks.length);
  const queue = checks.entries();
  const askNext = async (): Promise<void> => {
    for (const [index, check] of queue) results[index] = await settled(check);
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

async function ask(machine: LabMachine, check: MachineCheck, signal: AbortSignal): Promise<ProbeResult> {
  const answer = await machine.exec(check.script, { timeoutMs: check.timeoutMs, signal });
  return judge(check, answer, answer.durationMs);
}
