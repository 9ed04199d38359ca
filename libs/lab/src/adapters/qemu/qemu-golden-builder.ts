import { mustRun } from '../host/run-command.js';
import type { SandboxHost } from '../sandbox/sandbox-host.js';
import { VmGoldenBuilder } from '../vm/vm-golden-builder.js';
import { QemuControl } from './qemu-control.js';

/** Builds goldens of running machines: what is kept is the state of one in which everything is started. */
export class QemuGoldenBuilder extends VmGoldenBuilder {
  /** @param version e.g. `QEMU emulator version 7.2.22`, see {@link qemuVersion}: a saved state fits no other */
  constructor(host: SandboxHost, version: string) {
    super(host, {
      driver: 'qemu',
      version,
      source: (options) => QemuControl.prepare(host, { ...options, toBeSaved: true }),
    });
  }
}

/** What this host's QEMU calls itself. @throws the system's error when there is none */
export async function qemuVersion(): Promise<string> {
  const { stdout } = await mustRun('Asking QEMU for its version', ['qemu-system-x86_64', '--version']);
  return stdout.split('\n')[0] ?? '';
}
