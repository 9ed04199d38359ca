import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { componentsScript, LayerStore, Machine } from '@vouch/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_LAB, openLab, type Lab } from './lab-fixture.js';
import { sh } from './shell.js';

const COUNTED = await hostCountsProcesses();

/** What a vendor's package could try as root of a machine. */
describe.skipIf(NO_LAB)('root of a sandbox machine', () => {
  let lab: Lab;
  let machine: Machine;
  beforeAll(async () => {
    lab = await openLab();
    machine = await Machine.start(lab.host, {
      name: `isolation-${process.pid}`,
      layers: lab.golden.layers,
      storage: { kind: 'memory', sizeMiB: 64 },
      limits: { memoryBytes: 512 * 1024 ** 2, processes: 200 },
    });
  });
  afterAll(async () => {
    await machine?.discard();
    await lab?.close();
  });

  it('is nobody on the host', async () => {
    const [, first = ''] = (await machine.exec('cat /proc/self/uid_map')).stdout.trim().split(/\s+/);
    const uids = await sh(
      'for p in /proc/[0-9]*; do grep -l "^NSpid:.*\t1$" $p/status; done 2>/dev/null | xargs grep -h "^Uid:" || true',
    );
    expect(Number(first)).toBeGreaterThan(0);
    expect(uids).toContain(`Uid:\t${first}\t`);
  });

  it('finds itself in its own file system again when it breaks out of its root directory', async () => {
    const escape =
      'mkdir "/tmp/x"; chroot "/tmp/x"; chdir ".." for 1..64; chroot "."; exec "/bin/cat", "/etc/hostname"';
    expect((await machine.exec(['perl', '-e', escape])).stdout.trim()).toBe(machine.name);
  });

  it.each([
    ['see the host’s mounts', 'cut -d " " -f 5 /proc/self/mountinfo | grep "^/mnt"'],
    ['make a disk', 'mknod /tmp/disk b 8 0'],
    ['change the host’s kernel', 'echo 1 > /proc/sys/kernel/sysrq'],
    ['load a module', 'modprobe dummy && lsmod | grep dummy'],
    ['reach a network', 'timeout 3 bash -c "exec 3<>/dev/tcp/192.0.2.1/80"'],
    ['set the host’s clock', 'date -s 2001-01-01'],
  ])('cannot %s', async (_what, script) => {
    const tried = await machine.exec(script, { timeoutMs: 10_000 });
    expect(tried.exitCode).not.toBe(0);
  });

  it('sees only its own processes', async () => {
    const seen = (await machine.exec('ls -d /proc/[0-9]* | wc -l')).stdout.trim();
    const all = (await sh('ls -d /proc/[0-9]* | wc -l')).trim();
    expect(Number(seen)).toBeLessThan(Number(all));
  });

  it('cannot fill the host’s memory with files', async () => {
    const filled = await machine.exec('head -c 200M /dev/zero > /var/tmp/full');
    expect(filled.exitCode).not.toBe(0);
    expect(filled.stderr).toContain('No space left on device');
    await machine.exec('rm -f /var/tmp/full');
  });

  it.runIf(COUNTED)('cannot start processes without end', async () => {
    const many = 'i=0; while [ $i -lt 300 ]; do sleep 2 & i=$((i+1)); done; wait';
    const tried = await machine.exec(['bash', '-c', many], { timeoutMs: 20_000 });
    expect(tried.stderr).toContain('Resource temporarily unavailable');
  });

  it('is ended by a time limit, with everything that it started', async () => {
    const { timedOut } = await machine.exec('sleep 4711 & sleep 4712', { timeoutMs: 500 });
    expect(timedOut).toBe(true);
    const left = await machine.exec(
      'for p in /proc/[0-9]*; do tr "\\0" " " < $p/cmdline; echo; done | grep -c "^sleep 471[0-9]"',
    );
    expect(left.stdout.trim()).toBe('0');
  });
});

/** What a technician could write into a profile, as commands that make its machines' data. */
describe.skipIf(NO_LAB)('the seed of a profile', () => {
  const OUT = 'mkdir "/tmp/x"; chroot "/tmp/x"; chdir ".." for 1..64; chroot "."';
  const file = path.join(tmpdir(), `vouch-secret-${process.pid}`);
  const read = (to: string): string => `cat /proc/[0-9]*/root${file} ${file} > ${to} 2> /dev/null || true`;
  const seed = [
    '[ ! -d /mnt/data ]; ls /proc/self/fd > /seen-5',
    `perl -e 'open O, ">", "/seen-1"; ${OUT}; open I, "<", "${file}" and print O <I>'`,
    read('/seen-2'),
    `umount /proc || true; ${read('/seen-3')}`,
    `umount -l / 2> /dev/null || true; cd /; perl -e 'open O, ">", "/seen-4"; chdir ".." for 1..64; open I, "<", ".${file}" and print O <I>'`,
  ];

  it('reaches nothing of the host', async () => {
    const lab = await openLab();
    const id = `seed-${process.pid}`;
    try {
      await writeFile(file, 'a secret of the host', { mode: 0o644 });
      const script = componentsScript({ ...lab.profile, components: [], files: [], seed });
      const layers = new LayerStore(lab.host);
      await layers.build(id, lab.golden.layers, script, { timeoutMs: 60_000 });
      const seen = (n: number): Promise<string> =>
        readFile(path.join(lab.host.directory, LayerStore.filesOf(id), `seen-${n}`), 'utf8');
      expect(await Promise.all([1, 2, 3, 4].map(seen))).toEqual(['', '', '', '']);
      expect((await seen(5)).split('\n'), 'the lock of the layer').not.toContain('9');
    } finally {
      await lab.host.remove(`layers/${id}`);
      await rm(file);
      await lab.close();
    }
  });
});

/** Some hosts offer no controller for the number of processes; then only the time limit holds. */
async function hostCountsProcesses(): Promise<boolean> {
  const offered = await sh('grep -hw pids /sys/fs/cgroup/cgroup.subtree_control /proc/self/cgroup 2>/dev/null || true');
  return offered !== '';
}
