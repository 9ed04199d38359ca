import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { mustExec, type CommandResult, type LabDriver, type LabGolden, type LabMachine } from '@vouch/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Footprint } from './footprint.js';
import { sh } from './shell.js';

/** A driver under test, and where to look for what it leaves behind. */
export interface DriverUnderTest {
  readonly driver: LabDriver;
  readonly golden: LabGolden;
  /** The lab's directory on this host. */
  readonly directory: string;
  readonly storageMiB: number;
  close(): Promise<void>;
}

/** Does a driver have a capability? Asked of a running machine, not of what the driver says. */
const PROOFS: Readonly<Record<string, string>> = {
  packages: 'dpkg --audit && apt-get --version',
  services: 'systemctl is-active dbus.service',
  kernel: 'test -e "/boot/vmlinuz-$(uname -r)" && modprobe dummy && grep -q "^dummy " /proc/modules',
  boot: 'dmesg | grep -q "^.*Command line:" && test -e "/boot/initrd.img-$(uname -r)"',
};

/** What a plan relies on, of every driver. */
export function describeDriver(name: string, open: () => Promise<DriverUnderTest>): void {
  describe(`the ${name} driver`, () => {
    let lab: DriverUnderTest;
    let machine: LabMachine;
    let machineName: string;
    let restored = 0;
    const restore = async (): Promise<LabMachine> => {
      machineName = `contract-${process.pid}-${++restored}`;
      const { driver, golden, storageMiB } = lab;
      return driver.restore(golden.digest, { name: machineName, bootMs: 300_000, storageMiB });
    };
    const out = async (command: string): Promise<string> => (await machine.exec(command)).stdout.trim();

    let footprint: Footprint;

    beforeAll(async () => {
      footprint = new Footprint();
      lab = await open();
      machine = await restore();
    });
    afterAll(async () => {
      await machine?.discard();
      await lab?.close();
      expect(await footprint.left()).toEqual([]);
      expect(footprint.size).toBeGreaterThan(0);
    });

    it('restores what its golden says, with the services running', async () => {
      expect(machine.isRunning).toBe(true);
      const { components, services } = lab.golden;
      const one = components.find((component) => component.package === 'nginx');
      expect(await out("dpkg-query -W -f '${Version}' nginx")).toBe(one?.version);
      expect(services).toContain('nginx.service');
      expect(await out('systemctl is-active nginx.service')).toBe('active');
      expect(await out('cat /etc/hostname')).toBe('lab');
    });

    it('knows what time it is', async () => {
      const drift = Math.abs(Number(await out('date +%s')) * 1000 - Date.now());
      expect(drift).toBeLessThan(60_000);
    });

    it('runs programs as root and tells exit code, output and errors apart', async () => {
      const seen = await machine.exec('echo to out; echo to err >&2; id -u; exit 3');
      expect(seen).toMatchObject({ exitCode: 3, stdout: 'to out\n0\n', stderr: 'to err\n', timedOut: false });
      expect((await machine.exec(['printf', '%s|', 'a b', '$HOME', "'"])).stdout).toBe("a b|$HOME|'|");
    });

    it('does not wait for a daemon that a program leaves behind', async () => {
      const seen = await machine.exec('sleep 3600 & echo started');
      expect(seen).toMatchObject({ exitCode: 0, stdout: 'started\n' });
    });

    it('kills what a program started when its time is over, and keeps what it printed', async () => {
      const seen = await machine.exec('echo before; sleep 4711 & sleep 4712', { timeoutMs: 2000 });
      expect(seen).toMatchObject({ timedOut: true, exitCode: null, stdout: 'before\n' });
      expect(await out('pgrep -x sleep -a | grep -c "471[12]"')).toBe('0');
    });

    it('tells what a program prints while it runs, and each line once', async () => {
      let heard = '';
      const onOutput = (text: string): void => {
        if (!heard.includes('first') && (heard + text).includes('first')) void machine.put('/run/vouch-go', '');
        heard += text;
      };
      const script = 'echo first; until [ -e /run/vouch-go ]; do sleep 0.2; done; echo zwölf; echo last >&2';
      const { exitCode, stdout } = await machine.exec(script, { onOutput, timeoutMs: 120_000 });
      expect([exitCode, stdout]).toEqual([0, 'first\nzwölf\n']);
      expect(heard.split('\n').sort()).toEqual(['', 'first', 'last', 'zwölf']);
    });

    it('ends a program when it is called off', async () => {
      const seen = await machine.exec('sleep 4713', { signal: AbortSignal.timeout(1000) });
      expect(seen).toMatchObject({ timedOut: false, exitCode: null });
      expect(await out('pgrep -x sleep -a | grep -c 4713')).toBe('0');
    });

    it('takes and gives files byte by byte', async () => {
      const bytes = randomBytes(1_500_000);
      await machine.put('/var/tmp/new folder/file', bytes, '0600');
      expect(Buffer.compare(bytes, Buffer.from(await machine.get('/var/tmp/new folder/file')))).toBe(0);
      expect(await out('stat -c %a "/var/tmp/new folder/file"')).toBe('600');
      await machine.put('/var/tmp/empty', '');
      expect((await machine.get('/var/tmp/empty')).length).toBe(0);
      await expect(machine.get('/var/tmp/nothing')).rejects.toThrow();
    });

    it('has nothing but its own loopback', async () => {
      expect(await out('ls /sys/class/net')).toBe('lo');
      const tried = await machine.exec('timeout 5 bash -c "exec 3<>/dev/tcp/192.0.2.1/80"');
      expect(tried.exitCode).not.toBe(0);
      expect(tried.stderr).toMatch(/unreachable/i);
    });

    it('has a disk that can be full', async () => {
      const take = (mib: number): Promise<CommandResult> => machine.exec(`fallocate -l ${mib}M /var/tmp/full`);
      expect((await take(lab.storageMiB + 1)).exitCode).not.toBe(0);
      await machine.exec('rm -f /var/tmp/full');
      expect((await take(Math.floor(lab.storageMiB / 2))).exitCode).toBe(0);
      const { writtenBytes } = await machine.usage();
      expect(writtenBytes).toBeGreaterThan(0);
      expect(writtenBytes).toBeLessThan(lab.storageMiB * 1024 ** 2);
      await machine.exec('rm -f /var/tmp/full');
    });

    it('survives a program that takes all memory there is', async () => {
      const tried = await machine.exec(['perl', '-e', '$all = "x" x 5e9; print length $all'], { timeoutMs: 60_000 });
      expect(tried.stdout).toBe('');
      expect(await out('echo alive')).toBe('alive');
      expect((await machine.usage()).memoryBytes).toBeLessThan(3 * 1024 ** 3);
    });

    it('shows its screen, if it says that it has one', async () => {
      if (machine.screenshot === undefined) return;
      const image = Buffer.from(await machine.screenshot());
      expect(image.subarray(1, 4).toString()).toBe('PNG');
      expect(image.readUInt32BE(16)).toBeGreaterThanOrEqual(320);
    });

    it('can do what it says', async () => {
      const { capabilities } = lab.driver;
      for (const [capability, proof] of Object.entries(PROOFS)) {
        const { exitCode } = await machine.exec(proof);
        expect([capability, exitCode === 0]).toEqual([capability, capabilities.some((own) => own === capability)]);
      }
    });

    it('tells which files were written, and keeps its disk but not its memory over a restart', async () => {
      const before = await machine.written();
      await mustExec(machine, 'Writing', 'echo kept > /etc/vouch-kept; rm /etc/motd; echo gone > /run/vouch-gone');
      const after = await machine.written();
      expect(after.get('/etc/vouch-kept')?.kind).toBe('f');
      expect(after.get('/etc/motd')).not.toEqual(before.get('/etc/motd') ?? { kind: 'f' });
      const booted = await out('cat /proc/sys/kernel/random/boot_id; ps -o lstart= -C nginx | head -n 1');
      await machine.reboot(300_000);
      expect(await out('cat /proc/sys/kernel/random/boot_id; ps -o lstart= -C nginx | head -n 1')).not.toBe(booted);
      expect(await out('cat /etc/vouch-kept; cat /run/vouch-gone')).toBe('kept');
      expect(await out('systemctl is-active nginx.service')).toBe('active');
    });

    it('is gone without a trace when it is discarded, and says so to whoever asks', async () => {
      expect(await traces(lab.directory, machineName)).not.toEqual([]);
      await machine.discard();
      expect(await traces(lab.directory, machineName)).toEqual([]);
      expect(machine.isRunning).toBe(false);
      await expect(machine.exec('true')).rejects.toMatchObject({ code: 'machine-lost' });
      await expect(machine.put('/etc/x', 'x')).rejects.toMatchObject({ code: 'machine-lost' });
    });

    it('restores nothing of what was done to an earlier machine', async () => {
      machine = await restore();
      expect(await out('ls -d /etc/vouch-kept /var/tmp/empty 2>/dev/null; cat /etc/motd | wc -c')).not.toContain(
        'vouch-kept',
      );
      expect(await out("dpkg-query -W -f '${Version}' nginx")).not.toBe('');
    });

    it('tells when a machine is lost in the middle of something', async () => {
      const doing = machine.exec('sleep 4714', { timeoutMs: 60_000 });
      const lost = expect(doing).rejects.toMatchObject({ code: 'machine-lost' });
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await machine.exec('systemctl poweroff --force --force').catch(() => undefined);
      await lost;
      expect(machine.isRunning).toBe(false);
    });

    it('says that it does not have a golden', async () => {
      const options = { name: `contract-none-${process.pid}`, bootMs: 1000, storageMiB: 64 };
      await expect(lab.driver.restore('0'.repeat(64), options)).rejects.toMatchObject({ code: 'golden-missing' });
      expect(await lab.driver.find('0'.repeat(64))).toBeNull();
    });
  });
}

/** Everything on this host that carries a machine's name: files, control groups, mounts, processes. */
async function traces(directory: string, name: string): Promise<string[]> {
  const kept = await Promise.all(
    ['markers', 'machines', 'vms'].map((folder) => readdir(path.join(directory, folder)).catch(() => [])),
  );
  const found = await sh(
    `find /sys/fs/cgroup -type d -name "*$1*" 2>/dev/null || true
     grep -l -s -e "$1" /proc/[0-9]*/mounts || true
     for p in /proc/[0-9]*; do case "$(readlink $p/cwd || true) $(tr '\\0' ' ' < $p/environ 2>/dev/null || true)" in *"$1"*) echo $p;; esac; done`,
    [name],
  );
  return [...kept.flat(), ...found.split('\n')].filter((line) => line.includes(name) || line.startsWith('/proc'));
}
