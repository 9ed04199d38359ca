import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Virsh } from '@vouch/lab';

/** A libvirt of our own beside the host's: its places are its own, and what it starts ends with it. */
export interface OwnLibvirt {
  readonly virsh: Virsh;
  close(): Promise<void>;
}

/** The first process of a process namespace has to wait for everybody else's children, so it is a shell. */
const START = `set -e
mount --make-rprivate /
for place in /run/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt; do
  mkdir -p $place
  mount -t tmpfs tmpfs $place
done
mount --bind "$1/qemu.conf" /etc/libvirt/qemu.conf
mount -t proc proc /proc
libvirtd --config "$1/libvirtd.conf" --pid-file /run/libvirt/own.pid &
wait`;

const READY_MS = 120_000;

/** @throws Error with the daemon's words when it does not come up */
export async function openLibvirt(): Promise<OwnLibvirt> {
  const directory = await mkdtemp(path.join(tmpdir(), 'vouch-libvirtd-'));
  await mkdir(path.join(directory, 'run'));
  await writeFile(
    path.join(directory, 'libvirtd.conf'),
    `unix_sock_dir = "${directory}/run"\nauth_unix_rw = "none"\nauth_unix_ro = "none"\n`,
  );
  await writeFile(
    path.join(directory, 'qemu.conf'),
    'stdio_handler = "file"\nsecurity_driver = "none"\nuser = "+0"\ngroup = "+0"\n',
  );
  const child = spawn(
    'unshare',
    ['--mount', '--pid', '--fork', '--kill-child=KILL', 'sh', '-c', START, 'sh', directory],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    await rm(directory, { recursive: true, force: true });
  };
  const virsh = new Virsh(`qemu+unix:///system?socket=${directory}/run/libvirt-sock`);
  const deadline = performance.now() + READY_MS;
  for (;;) {
    try {
      await virsh.order('domcapabilities', '--virttype', 'qemu');
      return { virsh, close };
    } catch (error) {
      if (performance.now() > deadline || child.exitCode !== null) {
        await close();
        throw new Error(`libvirtd does not come up: ${said.trim()}`, { cause: error });
      }
      await sleep(250);
    }
  }
}
