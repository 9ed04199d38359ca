import type { Profile } from '@vouch/contracts';
import { IN_ROOT } from '../sandbox/build-scripts.js';
import { BUILD_ROOT } from '../sandbox/layer-store.js';

/** Direct boot: no boot loader chooses the kernel. A kernel that gives up ends the machine instead of starting over. */
export const KERNEL_COMMAND_LINE = 'root=/dev/vda rw console=tty0 console=ttyS0 quiet panic=-1';

/** What every machine gets. */
export const MEMORY_MIB = 512;

/** Free space of a machine's file system. */
export const FREE_MIB = 3072;

/** What a kernel, its first file system and the guest agent need on top of a base system. */
const MACHINE_PACKAGES = ['initramfs-tools', 'udev', 'kmod', 'qemu-guest-agent'];

/** The drivers of the machines that we make: nobody has to guess them in a chroot. */
const MODULES = ['virtio_pci', 'virtio_blk', 'virtio_console', 'ext4', 'crc32c_generic'];

/** Kernel packages by the OS stream's distribution and architecture, for profiles that name none. */
const DEFAULT_KERNELS: Readonly<Record<string, string>> = {
  'debian-amd64': 'linux-image-cloud-amd64',
  'ubuntu-amd64': 'linux-image-virtual',
};

/** A kernel of its own is what makes a machine a machine: the profile's, or the one that its distribution makes for VMs. */
export function kernelOf(profile: Profile): string | undefined {
  const own = profile.components.find((component) => component.package.startsWith('linux-image-'));
  const [distribution = '', , architecture = ''] = profile.stream.split('-');
  return own?.package ?? DEFAULT_KERNELS[`${distribution}-${architecture}`];
}

/**
 * Script for a layer between a base and a profile's components: a kernel and the guest agent. Units that a sandbox cannot
 * start are given back, since a machine with a kernel of its own can.
 */
export function machineLayerScript(kernel: string): string {
  return [
    `cd ${BUILD_ROOT}`,
    IN_ROOT,
    'mount -t proc proc proc',
    'mount -t tmpfs -o mode=0755 tmpfs dev',
    'for node in null zero full random urandom tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done',
    'ln -s /proc/self/fd dev/fd',
    'mount -t tmpfs -o mode=1777 tmpfs tmp',
    'mount -t tmpfs -o mode=0755 tmpfs run',
    'mount --bind "$(realpath /etc/resolv.conf)" etc/resolv.conf',
    'mkdir -p etc/initramfs-tools/conf.d usr/share/initramfs-tools/modules.d',
    "printf 'MODULES=list\\nCOMPRESS=gzip\\nCOMPRESSLEVEL=1\\n' > etc/initramfs-tools/conf.d/vouch",
    `printf '%s\\n' ${MODULES.join(' ')} > usr/share/initramfs-tools/modules.d/vouch`,
    "printf '#!/bin/sh\\nexit 101\\n' > usr/sbin/policy-rc.d",
    'chmod 0755 usr/sbin/policy-rc.d',
    `install='in_root apt-get -q -y -o Dpkg::Use-Pty=0 install --no-install-recommends ${MACHINE_PACKAGES.join(' ')} ${kernel}'`,
    '$install || { in_root apt-get -q update; $install; }',
    'rm -f usr/sbin/policy-rc.d',
    'for unit in sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount getty.target; do rm -f "etc/systemd/system/$unit"; done',
    // Artefacts that are put there are no part of what a patch wrote, as in a sandbox.
    'cp usr/share/systemd/tmp.mount etc/systemd/system/tmp.mount',
    'mkdir -p etc/systemd/system/local-fs.target.wants',
    'ln -sf ../tmp.mount etc/systemd/system/local-fs.target.wants/tmp.mount',
  ].join('\n');
}

/** Files of an image, beside each other in its layer's directory. */
export const IMAGE_FILES = { disk: 'disk.raw', kernel: 'vmlinuz', initrd: 'initrd.img' } as const;

/**
 * Script that makes a disk of everything below it, without mounting one: mke2fs copies a directory. Runs with the whole
 * system at the build's root, and leaves the disk, its newest kernel and initrd in the layer's directory.
 */
export function imageScript(): string {
  const part = '/mnt/data/$PART';
  return [
    `cd ${BUILD_ROOT}`,
    "printf 'lab\\n' > etc/hostname",
    "printf '127.0.0.1 localhost\\n127.0.1.1 lab\\n::1 localhost\\n' > etc/hosts",
    "printf '/dev/vda / ext4 defaults 0 0\\n' > etc/fstab",
    `size=$(( $(du -s -m . | cut -f 1) * 5 / 4 + ${FREE_MIB} ))`,
    `mke2fs -q -t ext4 -m 0 -O ^metadata_csum_seed,^orphan_file -E lazy_itable_init=1 -L vouch-lab -d . "${part}/${IMAGE_FILES.disk}" "\${size}M"`,
    'version=$(ls boot | sed -n "s/^vmlinuz-//p" | sort -V | tail -n 1)',
    `install -m 0644 "boot/vmlinuz-$version" "${part}/${IMAGE_FILES.kernel}"`,
    `install -m 0644 "boot/initrd.img-$version" "${part}/${IMAGE_FILES.initrd}"`,
  ].join('\n');
}
