import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Machine, removeOrphans } from '@vouch/lab';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Footprint } from './footprint.js';
import { NO_LAB, openLab, type Lab } from './lab-fixture.js';
import { sh } from './shell.js';
import { traces } from './traces.js';

const SCRIPT = path.join(import.meta.dirname, 'run-until-killed.mjs');

describe.skipIf(NO_LAB)('a runner that is killed', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab();
  });
  afterAll(() => lab?.close());
  let footprint: Footprint;
  beforeEach(() => {
    footprint = new Footprint(lab.host.directory);
  });
  afterEach(async () => {
    expect(await footprint.left()).toEqual([]);
  });

  it.each(['memory', 'kept'])('leaves nothing behind after the next start (storage: %s)', async (storage) => {
    const name = `killed-${storage}-${process.pid}`;
    const runner = spawn(process.execPath, [SCRIPT, lab.host.directory, lab.golden.layers.join(), name, storage], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(async () => {
      runner.kill('SIGKILL');
      await removeOrphans(lab.host);
      await lab.host.remove(`machines/${name}`);
    });
    await once(runner.stdout, 'data');
    expect(await traces(name, lab.host.directory)).not.toEqual([]);
    expect(await removeOrphans(lab.host), 'a living runner’s machines are its own').toEqual([]);

    runner.kill('SIGKILL');
    await once(runner, 'exit');
    // The machine's processes end by themselves: nothing has to come and look for them.
    for (let patience = 50; patience > 0 && (await sleepers()) > 0; patience--) await sleep(100);
    expect(await sleepers()).toBe(0);

    expect(await removeOrphans(lab.host)).toContain(name);
    const kept = await readdir(path.join(lab.host.directory, 'machines'));
    expect(kept.includes(name), 'what was to be kept is kept').toBe(storage === 'kept');
    if (storage === 'kept') {
      await lab.host.remove(`machines/${name}`);
      await rm(path.join(lab.host.directory, 'kept', `${name}.json`));
    }
    expect(await traces(name, lab.host.directory)).toEqual([]);
    expect(await removeOrphans(lab.host)).toEqual([]);
  });

  it.each(['machine', 'vm'])(
    'leaves nothing behind when it is killed the moment it has made something (%s)',
    async (kind) => {
      const name = `killed-at-once-${kind}-${process.pid}`;
      const script = path.join(import.meta.dirname, 'run-until-made.mjs');
      const runner = spawn(process.execPath, [script, lab.host.directory, lab.golden.layers.join(), name, kind]);
      await once(runner, 'exit');
      expect(runner.signalCode).toBe('SIGKILL');
      expect(await traces(name, lab.host.directory)).toHaveLength(2);
      expect(await removeOrphans(lab.host)).toEqual([name]);
      expect(await traces(name, lab.host.directory)).toEqual([]);
    },
  );

  it('leaves no half written record behind for ever', async () => {
    const names = ['old', 'new'].map((age) => `markers/half-${age}-${process.pid}.json.part`);
    const [old = '', fresh = ''] = names.map((name) => path.join(lab.host.directory, name));
    for (const file of [old, fresh]) await writeFile(file, '{');
    const then = new Date(Date.now() - 2 * 3_600_000);
    await utimes(old, then, then);
    expect(await removeOrphans(lab.host)).toEqual([names[0]]);
    await rm(fresh);
  });

  it('does not keep the lab from starting when libvirt can no longer be asked', async () => {
    const name = `unasked-${process.pid}`;
    const marker = path.join(lab.host.directory, 'markers', `${name}.json`);
    const owner = { pid: 2 ** 22 + 1, startTime: '1', bootId: 'another' };
    const domains = [{ uri: 'qemu:///system', name }];
    await writeFile(marker, JSON.stringify({ machine: name, owner, processes: [], domains, controlGroups: [] }));
    const gone = { destroy: () => Promise.reject(new Error('spawn virsh ENOENT')) };
    expect(await removeOrphans(lab.host, () => gone)).toEqual([]);
    const asked: string[] = [];
    const back = { destroy: async (domain: string) => void asked.push(domain) };
    expect(await removeOrphans(lab.host, () => back)).toEqual([name]);
    expect(asked).toEqual([name]);
  });

  it('does not kill a process that merely has the recorded number', async () => {
    const name = `reused-${process.pid}`;
    const machine = await Machine.start(lab.host, {
      name,
      layers: lab.golden.layers,
      storage: { kind: 'memory', sizeMiB: 512 },
    });
    const marker = path.join(lab.host.directory, 'markers', `${name}.json`);
    const bystander = spawn('sleep', ['60']);
    const record = JSON.parse(await readFile(marker, 'utf8')) as { owner: { startTime: string }; processes: object[] };
    await machine.discard();
    const old = { pid: bystander.pid, startTime: '1', bootId: 'another' };
    await writeFile(marker, JSON.stringify({ ...record, owner: old, processes: [old], controlGroups: [] }));
    expect(await removeOrphans(lab.host)).toEqual([name]);
    expect(bystander.signalCode ?? bystander.exitCode).toBeNull();
    bystander.kill();
    await once(bystander, 'exit');
  });
});

/** The bracket keeps the search from finding itself. */
const sleepers = async (): Promise<number> =>
  Number(await sh('cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " | grep -c "sleep 8639[9]" || true'));
