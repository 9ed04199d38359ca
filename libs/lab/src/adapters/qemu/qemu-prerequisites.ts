import { SYSTEM_PATH } from '../sandbox/layer-store.js';
import { missingPackages, type Prerequisites } from '../sandbox/prerequisites.js';
import { runCommand } from '../host/run-command.js';

/** Programs that machines with a kernel of their own are made with, and the Debian package that brings each. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  mke2fs: 'e2fsprogs',
  debugfs: 'e2fsprogs',
  setpriv: 'util-linux',
};

/** From this version on QEMU writes screens as PNG. */
const OLDEST = 7.1;

/**
 * Can machines be run by QEMU here, given that sandboxes can? Without a processor that virtualises they are emulated.
 * @returns when they cannot: one sentence that says what is missing and what to do
 */
export async function qemuPrerequisites(): Promise<Prerequisites> {
  if (process.arch !== 'x64')
    return { ok: false, reason: `Machines run by QEMU are made for amd64 only, and this is ${process.arch}.` };
  const missing = await missingPackages(PROGRAMS);
  if (missing.length > 0) {
    const command = `sudo apt-get install --no-install-recommends ${missing.join(' ')}`;
    return { ok: false, reason: `Machines with a kernel of their own need QEMU: run "${command}".` };
  }
  const asked = await runCommand(['env', `PATH=${SYSTEM_PATH}`, 'qemu-system-x86_64', '--version']);
  const version = Number(/version (\d+\.\d+)/.exec(asked.stdout)?.[1] ?? 0);
  return version >= OLDEST
    ? { ok: true }
    : { ok: false, reason: `QEMU ${version} is too old for machines: install ${OLDEST} or newer.` };
}
