import { CommandFailed } from '../host/run-command.js';
import { machinePrerequisites } from '../qemu/qemu-prerequisites.js';
import { missingPackages, type Prerequisites } from '../sandbox/prerequisites.js';
import type { Virsh } from './virsh.js';

/**
 * Can machines be run by the libvirt of this host, given that sandboxes can?
 * @returns when they cannot: one sentence that says what is missing and what to do
 */
export async function libvirtPrerequisites(virsh: Virsh): Promise<Prerequisites> {
  const [missing] = await missingPackages({ virsh: 'libvirt-clients' });
  if (missing !== undefined)
    return { ok: false, reason: `libvirt’s client is missing: run "sudo apt-get install ${missing}".` };
  const machines = await machinePrerequisites();
  if (!machines.ok) return machines;
  try {
    await virsh.order('domcapabilities', '--virttype', 'qemu', '--arch', 'x86_64');
    return { ok: true };
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    const reason = `libvirt at ${virsh.uri} does not offer machines of QEMU. It said: ${error.message}`;
    return { ok: false, reason };
  }
}
