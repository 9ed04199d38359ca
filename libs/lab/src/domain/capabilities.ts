import type { Artefact, Capability, RunObservations } from '@vouch/contracts';

/** Packages that do their work outside the services of a running system, by their names in Debian and Ubuntu. */
const SPECIAL: readonly { readonly name: RegExp; readonly needs: readonly Capability[] }[] = [
  { name: /^linux-(image|modules|modules-extra)(-|$)/, needs: ['kernel', 'boot'] },
  { name: /-dkms$/, needs: ['kernel'] },
  { name: /^(initramfs-tools|dracut)(-|$)/, needs: ['boot'] },
  { name: /^(grub|grub2|shim|systemd-boot|u-boot|efibootmgr|lilo)(-|$)/, needs: ['boot', 'bootloader'] },
  { name: /^firmware-|-firmware$|^(intel|amd64)-microcode$/, needs: ['firmware', 'boot'] },
];

/** What a driver has to be able to exercise before its verdict on these packages means anything. */
export function requiredCapabilities(artefacts: readonly Pick<Artefact, 'package'>[]): Capability[] {
  const needed = new Set<Capability>(['packages', 'services', 'reboot']);
  for (const artefact of artefacts) {
    for (const { name, needs } of SPECIAL) if (name.test(artefact.package)) needs.forEach((need) => needed.add(need));
  }
  return [...needed];
}

/** What the lab that saw this would have had to exercise, and cannot. */
export function lackingCapabilities(
  { capabilities }: Pick<RunObservations, 'capabilities'>,
  artefacts: readonly Pick<Artefact, 'package'>[],
): Capability[] {
  return requiredCapabilities(artefacts).filter((need) => !capabilities.includes(need));
}
