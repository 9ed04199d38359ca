import type { Artefact, Capability, FileChange, RunObservations } from '@vouch/contracts';

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

/**
 * Places whose files do their work before the services of a system, whatever the package that changes them is called. A hook for
 * the initial RAM disk changes how a machine starts as much as a new kernel does.
 */
const PLACES: readonly { readonly path: RegExp; readonly needs: readonly Capability[] }[] = [
  { path: /^\/boot\//, needs: ['boot'] },
  { path: /^(\/usr)?\/lib\/modules\//, needs: ['kernel', 'boot'] },
  { path: /^(\/usr)?\/lib\/firmware\//, needs: ['firmware', 'boot'] },
  { path: /^(\/usr\/share|\/etc)\/initramfs-tools\//, needs: ['boot'] },
  { path: /^\/usr\/lib\/(grub|systemd\/boot)\//, needs: ['boot', 'bootloader'] },
];

/** What it takes to exercise a change of this file, beyond what every patch does. */
export const neededByFile = ({ path }: Pick<FileChange, 'path'>): readonly Capability[] =>
  PLACES.find((place) => place.path.test(path))?.needs ?? [];

type Seen = Pick<RunObservations, 'capabilities' | 'fileDiff'>;

/** What the lab that saw this would have had to exercise, and cannot: by what was installed, and by the files that changed. */
export function lackingCapabilities(seen: Seen, artefacts: readonly Pick<Artefact, 'package'>[]): Capability[] {
  const needed = [...requiredCapabilities(artefacts), ...seen.fileDiff.flatMap(neededByFile)];
  return [...new Set(needed)].filter((need) => !seen.capabilities.includes(need));
}

/** The first file that changed and whose change the lab cannot exercise. */
export const beyondTheLab = ({ capabilities, fileDiff }: Seen): FileChange | undefined =>
  fileDiff.find((file) => neededByFile(file).some((need) => !capabilities.includes(need)));
