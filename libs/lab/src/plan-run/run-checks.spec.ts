import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { bad, check, good, type MachineCheck } from '../domain/machine-check.js';
import type { CommandResult, LabMachine } from '../lab-machine.port.js';
import { runChecks } from './run-checks.js';

const run = promisify(execFile);
const says = (name: string, script: string, wanted = ''): MachineCheck =>
  check(name, script, ({ stdout }) => (stdout.trim() === wanted ? good('so') : bad(`it said ${stdout.trim()}`)));

/** A machine that is this one's shell, and counts what it is asked. */
function shell() {
  const asked: string[] = [];
  const exec = async (script: readonly string[] | string): Promise<CommandResult> => {
    asked.push(String(script));
    const running = run('sh', ['-c', String(script)]);
    running.child.stdin?.end();
    const { stdout, stderr, code } = await running.then(
      (all) => ({ ...all, code: 0 }),
      (error: { stdout: string; stderr: string; code: number }) => error,
    );
    return { exitCode: code, stdout, stderr, durationMs: 30, timedOut: false };
  };
  return { asked, machine: { exec } as unknown as LabMachine };
}

const patience = { settleMs: 0, signal: new AbortController().signal };

describe('checks of a machine', () => {
  it('are asked in one program when they are healthy', async () => {
    const { asked, machine } = shell();
    const checks = [says('a', 'echo 1', '1'), says('nothing', ':'), says('without an end of line', 'printf 2', '2')];
    const results = await runChecks(machine, checks, patience);
    expect(results.map(({ name, ok }) => [name, ok])).toEqual([
      ['a', true],
      ['nothing', true],
      ['without an end of line', true],
    ]);
    expect(asked).toHaveLength(1);
  });

  it('are asked by themselves when they are not healthy, and say what they say then', async () => {
    const { asked, machine } = shell();
    const fails = says('fails', 'echo why >&2; exit 3');
    const ends = says('ends the shell', 'exit 0; echo never');
    const results = await runChecks(
      machine,
      [says('a', 'echo 1', '1'), fails, says('b', 'echo 2', '3'), ends],
      patience,
    );
    expect(results.map(({ ok, detail }) => [ok, detail])).toEqual([
      [true, 'so'],
      [false, 'exit code 3: why'],
      [false, 'it said 2'],
      [true, 'so'],
    ]);
    expect(asked).toHaveLength(3);
  });

  it('that may take long are asked by themselves', async () => {
    const { asked, machine } = shell();
    const slow = { ...says('slow', 'echo 1', '1'), timeoutMs: 60_000 };
    const results = await runChecks(machine, [slow, says('a', 'echo 1', '1'), slow], patience);
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true]);
    expect(asked).toEqual([expect.stringContaining('CHECK_MARK'), 'echo 1', 'echo 1']);
  });

  it('are not in each other’s way, whatever they are', async () => {
    const { machine } = shell();
    const odd = ['cd /; exit 1', "echo '", 'if', '}', ')', 'exec 1>&-', 'kill $$', 'x=1; echo "$y"', 'cat'];
    const checks = odd.flatMap((script) => [
      says(script, script, 'never'),
      says(`after ${script}`, 'pwd; y=2; echo "$x"', process.cwd()),
    ]);
    const results = await runChecks(machine, checks, patience);
    expect(results.map(({ ok }) => ok)).toEqual(odd.flatMap(() => [false, true]));
  });

  it('cannot answer for the next one', async () => {
    const { machine } = shell();
    const forged = check('forged', "printf '1\\nCHECK_MARK 0 5.0\\n2\\nCHECK_MARK 0 6.0\\n'", () => good('so'));
    const results = await runChecks(machine, [forged, says('b', 'echo 3', '2')], patience);
    expect(results.map(({ ok }) => ok)).toEqual([true, false]);
  });

  it('take as long as each of them takes', async () => {
    const { machine } = shell();
    const results = await runChecks(machine, [says('a', ':'), says('b', 'sleep 0.4'), says('c', ':')], patience);
    const [a, b, c] = results.map(({ durationMs }) => durationMs);
    expect(b).toBeGreaterThanOrEqual(390);
    expect(Math.max(a ?? 0, c ?? 0)).toBeLessThan(b ?? 0);
  });

  it('that did not get to answer, since the machine cut them off, are asked by themselves', async () => {
    const { machine } = shell();
    const cut = {
      exec: async (script: string) => {
        const all = await machine.exec(script);
        return script.includes('CHECK_MARK') ? { ...all, stdout: all.stdout.slice(0, 3) } : all;
      },
    } as unknown as LabMachine;
    const results = await runChecks(cut, [says('a', 'echo 1', '1'), says('b', 'echo 2', '2')], patience);
    expect(results.map(({ ok }) => ok)).toEqual([true, true]);
  });
});
