import { Readable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { identify } from './process-identity.js';
import { CommandFailed, mustRun, runCommand } from './run-command.js';

const sh = (script: string): string[] => ['sh', '-c', script];

describe('runCommand', () => {
  it('tells what a program said and how it ended', async () => {
    const result = await runCommand(sh('echo out; echo err >&2; exit 3'));
    expect(result).toMatchObject({ exitCode: 3, stdout: 'out\n', stderr: 'err\n', timedOut: false });
  });

  it.each([
    ['a string', 'abc'],
    ['bytes', Buffer.from('abc')],
    ['a stream', Readable.from(['a', 'bc'])],
    ['more than the program reads', 'abc'.repeat(100_000)],
  ])('feeds it %s', async (_case, stdin) => {
    expect((await runCommand(['head', '-c', '3'], { stdin })).stdout).toBe('abc');
  });

  it('kills a program, and what it started, at its time limit', async () => {
    const { stdout, timedOut, exitCode } = await runCommand(sh('sleep 60 & echo $!; wait'), { timeoutMs: 200 });
    expect({ timedOut, exitCode }).toEqual({ timedOut: true, exitCode: null });
    // Killed it is at once; until its new parent has noticed, it still has its number.
    await vi.waitFor(async () => expect(await identify(Number(stdout)), 'what it started').toBeNull(), 5000);
  });

  it('kills it when it is called off, also beforehand', async () => {
    expect(await runCommand(sh('sleep 60'), { signal: AbortSignal.abort() })).toMatchObject({ exitCode: null });
    expect(await runCommand(sh('sleep 60'), { signal: AbortSignal.timeout(100) })).toMatchObject({ timedOut: false });
  });

  it('does not wait for a daemon that keeps the pipe open', async () => {
    const { exitCode, stdout } = await runCommand(sh('setsid sleep 5 & echo started'));
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'started\n' });
  });

  it('fails when there is no such program', async () => {
    await expect(runCommand(['vouch-no-such-program'])).rejects.toThrow('ENOENT');
  });
});

describe('mustRun', () => {
  it('says what failed, how, and the last words', async () => {
    const failing = mustRun('Making tea', sh('echo no water >&2; exit 4'));
    await expect(failing).rejects.toThrow(CommandFailed);
    await expect(failing).rejects.toThrow('Making tea exited with 4: no water');
  });
});
