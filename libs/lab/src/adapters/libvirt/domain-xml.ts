import type { Accelerator } from '../qemu/accelerator.js';
import { KERNEL_COMMAND_LINE } from '../vm/image-scripts.js';

/** A machine as libvirt is told of it. Paths are whole: libvirt's daemon has another directory than we. */
export interface DomainSpec {
  readonly name: string;
  readonly accelerator: Accelerator;
  readonly memoryMiB: number;
  /** A qcow2 file. */
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
  /** What the kernel writes to its serial line is kept here. */
  readonly serialLog: string;
}

/**
 * libvirt's description of a machine (libvirt.org/formatdomain.html): no network card, nothing but a disk, a screen that
 * nobody can connect to, a clock, chance, and the agent's port. When it ends, restarts or breaks, it is gone.
 */
export function domainXml(spec: DomainSpec): string {
  const t = escape;
  return `<domain type="${spec.accelerator === 'kvm' ? 'kvm' : 'qemu'}">
  <name>${t(spec.name)}</name>
  <memory unit="MiB">${spec.memoryMiB}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch="x86_64" machine="pc">hvm</type>
    <kernel>${t(spec.kernel)}</kernel>
    <initrd>${t(spec.initrd)}</initrd>
    <cmdline>${t(KERNEL_COMMAND_LINE)}</cmdline>
  </os>
  <features><acpi/></features>
${spec.accelerator === 'kvm' ? '  <cpu mode="host-passthrough"/>\n' : ''}  <clock offset="utc"/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>destroy</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type="file" device="disk">
      <driver name="qemu" type="qcow2" cache="unsafe" discard="unmap"/>
      <source file="${t(spec.disk)}"/>
      <target dev="vda" bus="virtio"/>
    </disk>
    <controller type="usb" model="none"/>
    <serial type="file">
      <source path="${t(spec.serialLog)}" append="on"/>
    </serial>
    <channel type="unix">
      <target type="virtio" name="org.qemu.guest_agent.0"/>
    </channel>
    <video><model type="vga"/></video>
    <memballoon model="none"/>
    <rng model="virtio"><backend model="random">/dev/urandom</backend></rng>
  </devices>
</domain>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

const escape = (text: string): string => text.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
