import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Machine, removeOrphans } from '@vouch/lab';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { FakeApi } from './fake-api.js';
import { Footprint } from './footprint.js';
import { buildPackage, jobFor, NO_LAB, openLab, type Lab } from './lab-fixture.js';
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

  it('leaves nothing behind when it is killed while it builds a golden', async () => {
    const name = `killed-build-${process.pid}`;
    const script = path.join(import.meta.dirname, 'run-build-until-killed.mjs');
    const runner = spawn(process.execPath, [script, lab.host.directory, lab.golden.layers.join(), name]);
    const begun = async (): Promise<boolean> => (await traces(name, lab.host.directory)).length > 0;
    for (let patience = 300; patience > 0 && !((await begun()) && (await sleepers(86397)) > 0); patience--)
      await sleep(100);
    runner.kill('SIGKILL');
    await once(runner, 'exit');
    for (let patience = 50; patience > 0 && (await sleepers(86397)) > 0; patience--) await sleep(100);
    expect(await sleepers(86397)).toBe(0);
    await rm(path.join(lab.host.directory, 'layers', `${name}.lock`));
    expect(await traces(name, lab.host.directory), 'it was in the middle of a layer').toHaveLength(1);
    expect(await removeOrphans(lab.host)).toEqual([expect.stringMatching(`^\\.part-${runner.pid}-`)]);
    expect(await traces(name, lab.host.directory)).toEqual([]);
  });

  it('leaves no half of a golden of a machine with a kernel behind', async () => {
    const goldens = path.join(lab.host.directory, 'vm-goldens');
    const [dead, alive] = [`.part-${2 ** 22 + 1}-1-x`, `.part-${process.pid}-${await startTime()}-x`];
    for (const name of [dead, alive]) {
      await mkdir(path.join(goldens, name), { recursive: true });
      await writeFile(path.join(goldens, name, 'live.qcow2'), 'half');
    }
    expect(await removeOrphans(lab.host)).toEqual([dead]);
    expect(await readdir(goldens)).toContain(alive);
    await rm(path.join(goldens, alive), { recursive: true });
  });

  it('leaves no files behind when it is killed while it fetches, hands in or reports, and the next does the run', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'vouch-killed-'));
    const token = 'a credential for this test, long enough';
    const api = new FakeApi(token, []);
    onTestFinished(async () => {
      await api.close();
      await rm(folder, { recursive: true, force: true });
    });
    const patch = await buildPackage(folder, { package: 'postgresql', version: '9999' }, 'true');
    const job = jobFor(lab.golden, [patch.artefact]);
    const script = path.join(import.meta.dirname, 'run-job-until-killed.mjs');
    const url = await api.listen();
    const kept = (): Promise<string[]> => readdir(path.join(folder, 'lab-work/killed'));
    let earlier: string[] = [];
    const started = (attempt: number) => {
      api.enqueue({ ...job, attempt }, [patch]);
      return spawn(process.execPath, [script, url, token, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    };

    for (const [index, deed] of ['GET artefacts', 'PUT evidence', 'POST runs report'].entries()) {
      const runner = started(index + 1);
      api.before = async (asked) => {
        if (asked !== deed) return;
        runner.kill('SIGKILL');
        await once(runner, 'exit');
      };
      await once(runner, 'close');
      expect(runner.signalCode, deed).toBe('SIGKILL');
      const now = await kept();
      expect(now, `${deed}: its own files, and none of the one before`).toHaveLength(1);
      expect(now).not.toEqual(earlier);
      earlier = now;
    }
    api.before = () => Promise.resolve();
    const last = started(4);
    let said = '';
    last.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(last, 'close');
    expect(said.trim()).toBe('complete');
    expect(api.reports.at(-1)).toMatchObject({ attempt: 4 });
    expect(await kept()).toEqual([]);
  });

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

/** When this process began, as the system counts it. */
const startTime = async (): Promise<string> =>
  (await readFile('/proc/self/stat', 'utf8')).split(') ')[1]?.split(' ')[19] ?? '';

/** How many processes sleep for that long. The bracket keeps the search from finding itself. */
const sleepers = async (seconds = 86399): Promise<number> => {
  const sleep = `sleep ${Math.floor(seconds / 10)}[${seconds % 10}]`;
  return Number(await sh('cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " | grep -c "$1" || true', [sleep]));
};
