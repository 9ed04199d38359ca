/** A lab environment that could be built, by what its profile asks to be installed. */
export interface DeclaredEnvironment {
  readonly profileDigest: string;
  readonly name: string;
  readonly packages: readonly string[];
}

/** Below half of its packages on the machines, an environment is of another kind. */
export const MINIMUM_FIT = 0.5;

/** The share of an environment's declared packages that the machines have installed, from 0 to 1. */
export function fitOf(environment: DeclaredEnvironment, installed: ReadonlySet<string>): number {
  if (environment.packages.length === 0) return 0;
  return environment.packages.filter((name) => installed.has(name)).length / environment.packages.length;
}

/**
 * The environment to build next for machines with these packages: of those not chosen before, the one that shares most
 * with them. A rich environment that fits well goes before a poor one that fits whole, since it exercises more.
 *
 * @param chosen digests of the profiles that were chosen for these machines before
 * @returns null when nothing that is left resembles the machines
 */
export function nextEnvironment(
  environments: readonly DeclaredEnvironment[],
  installed: ReadonlySet<string>,
  chosen: ReadonlySet<string>,
): { readonly environment: DeclaredEnvironment; readonly fit: number } | null {
  const ranked = environments
    .filter((environment) => !chosen.has(environment.profileDigest))
    .map((environment) => ({ environment, fit: fitOf(environment, installed) }))
    .filter(({ fit }) => fit >= MINIMUM_FIT)
    .sort((a, b) => worth(b) - worth(a) || (a.environment.name < b.environment.name ? -1 : 1));
  return ranked[0] ?? null;
}

/** Packages in common, discounted by how much of the environment is foreign to the machines. */
const worth = ({ environment, fit }: { environment: DeclaredEnvironment; fit: number }): number =>
  fit * fit * environment.packages.length;
