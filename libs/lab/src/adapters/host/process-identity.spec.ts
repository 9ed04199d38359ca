import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { identify, isAlive, thisProcess } from './process-identity.js';

describe('a process', () => {
  it('is alive while it is the same one', async () => {
    const self = await thisProcess();
    expect(await isAlive(self)).toBe(true);
    expect(await isAlive({ ...self, startTime: '1' })).toBe(false);
    expect(await isAlive({ ...self, bootId: 'another' })).toBe(false);
  });

  it('is not alive when it has ended', async () => {
    const child = spawn('sleep', ['60']);
    const identity = await identify(child.pid ?? -1);
    expect(identity && (await isAlive(identity))).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(identity && (await isAlive(identity))).toBe(false);
  });

  it('is recognised whatever it is called', async () => {
    const child = spawn('bash', ['-c', 'printf "a) S 1 (b" > /proc/self/comm; echo named; read -r', 'x']);
    await once(child.stdout, 'data');
    expect(await identify(child.pid ?? -1)).toMatchObject({ startTime: expect.stringMatching(/^\d{3,}$/) });
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
});
