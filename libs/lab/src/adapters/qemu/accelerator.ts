import type { Owner } from './qemu-process.js';
import { asOwner } from './qemu-process.js';
import { runCommand } from '../host/run-command.js';

export type Accelerator = 'kvm' | 'tcg';

const TRIAL_MS = 15_000;

/**
 * Can this machine virtualise? Some let `/dev/kvm` be opened and a guest be created, which then runs its first real-mode
 * instructions and never comes out of them. So a kernel is booted, with a time limit.
 * @param directory where the kernel lies
 * @param owner who will run machines, since a device may be there for others only
 */
export async function findAccelerator(directory: string, kernel: string, owner: Owner): Promise<Accelerator> {
  return (await boots('kvm', directory, kernel, owner)) ? 'kvm' : 'tcg';
}

/** Does a kernel without any disk get as far as missing it? Then it gives up, and QEMU ends. */
export async function boots(
  accelerator: Accelerator,
  directory: string,
  kernel: string,
  owner: Owner,
  timeoutMs = TRIAL_MS,
): Promise<boolean> {
  const { exitCode, stdout } = await runCommand(
    [
      ...[...asOwner(owner), 'qemu-system-x86_64', '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
      ...['-nic', 'none', '-m', '256', '-accel', accelerator, '-cpu', cpuOf(accelerator), '-serial', 'stdio'],
      ...['-kernel', kernel, '-append', 'console=ttyS0 panic=-1'],
    ],
    { cwd: directory, timeoutMs },
  );
  return exitCode === 0 && stdout.includes('Linux version');
}

export const cpuOf = (accelerator: Accelerator): string => (accelerator === 'kvm' ? 'host' : 'qemu64');
