import type { Capability, Component } from '@vouch/contracts';

/** A golden, and what the driver that made it can exercise. */
export interface RoutableGolden {
  readonly digest: string;
  readonly profile_digest: string;
  readonly components: readonly Component[];
  readonly capabilities: readonly Capability[];
}

/** A kind of machine that some lab-runner can make. */
export interface KnownDriver {
  readonly name: string;
  readonly capabilities: readonly Capability[];
}

export const canExercise = (needs: readonly Capability[], capabilities: readonly Capability[]): boolean =>
  needs.every((need) => capabilities.includes(need));

/**
 * The goldens whose drivers can exercise what a patch needs; of each profile only those of the driver that can do least
 * beyond it, since a machine with a kernel of its own takes minutes where a sandbox takes seconds.
 */
export function capableGoldens<G extends RoutableGolden>(
  goldens: readonly G[],
  needs: (golden: G) => readonly Capability[],
): G[] {
  const able = goldens.filter((golden) => canExercise(needs(golden), golden.capabilities));
  return able.filter((golden) =>
    able.every(
      (other) =>
        other.profile_digest !== golden.profile_digest || other.capabilities.length >= golden.capabilities.length,
    ),
  );
}

/** Drivers that could exercise it, the one that can do least beyond it first. */
export function capableDrivers(needs: readonly Capability[], drivers: readonly KnownDriver[]): KnownDriver[] {
  return drivers
    .filter((driver) => canExercise(needs, driver.capabilities))
    .sort((a, b) => a.capabilities.length - b.capabilities.length || (a.name < b.name ? -1 : 1));
}

const WORDS: Readonly<Record<Capability, string>> = {
  packages: 'packages',
  services: 'services',
  reboot: 'restarts',
  kernel: 'the kernel',
  boot: 'the start of the kernel',
  bootloader: 'the boot loader',
  firmware: 'firmware',
};

/** Why a patch waits that no golden can exercise, in a sentence: nobody can, or somebody is about to. */
export function whyNotExercised(needs: readonly Capability[], drivers: readonly KnownDriver[]): string {
  const [able] = capableDrivers(needs, drivers);
  if (able !== undefined)
    return `This patch needs a lab environment of the driver "${able.name}", which is built when it is first wanted.`;
  const lacking = needs.filter((need) => !drivers.some((driver) => driver.capabilities.includes(need)));
  const changes = (lacking.length > 0 ? lacking : needs).map((need) => WORDS[need]).join(' and ');
  const known = drivers.length === 0 ? 'there is none' : `there is ${drivers.map((driver) => driver.name).join(', ')}`;
  return `This patch changes ${changes}, which no driver of any lab-runner can exercise (${known}); see docs/lab-drivers.md.`;
}
