import type { Component } from '@vouch/contracts';

/** How near a golden is to a cohort for one patch, and what it leaves open. */
export interface Coverage {
  /** From 0 (says nothing about these machines) to 1 (the same packages and services). */
  readonly score: number;
  readonly notCovered: readonly string[];
}

export interface Environment {
  /** Installed packages. */
  readonly components: readonly Component[];
  /** Services by role name, as cohorts name them. */
  readonly roles: readonly string[];
}

/**
 * Distance from a lab environment to the machines of a cohort, for one patch.
 *
 * 0 when the lab lacks a package of the patch that the machines have: bytes that were not installed were not tested.
 * Else the mean of two shares: of the machines' services that ran in the lab, and the Jaccard similarity of the sets
 * of installed packages (P. Jaccard, 1912: size of the intersection by size of the union).
 *
 * @param patchPackages binary packages of the patch that the machines have installed
 */
export function coverageOf(lab: Environment, machines: Environment, patchPackages: readonly string[]): Coverage {
  const labPackages = new Map(lab.components.map((component) => [component.package, component.version]));
  const missing = patchPackages.filter((name) => !labPackages.has(name));
  const rolesMissing = machines.roles.filter((role) => !lab.roles.includes(role));
  const machinePackages = new Map(machines.components.map((component) => [component.package, component.version]));
  const common = [...machinePackages.keys()].filter((name) => labPackages.has(name));
  const union = labPackages.size + machinePackages.size - common.length;
  const otherVersions = common.filter(
    (name) => !patchPackages.includes(name) && labPackages.get(name) !== machinePackages.get(name),
  );
  const onlyOnMachines = machinePackages.size - common.length;

  const notCovered: string[] = [];
  if (missing.length > 0) notCovered.push(`Not in the lab, so not tested: ${missing.join(', ')}.`);
  if (rolesMissing.length > 0) notCovered.push(`Services that did not run in the lab: ${rolesMissing.join(', ')}.`);
  if (onlyOnMachines > 0)
    notCovered.push(`${count(onlyOnMachines, 'package')} of the machines not installed in the lab.`);
  if (otherVersions.length > 0)
    notCovered.push(`${count(otherVersions.length, 'package')} in another version than in the lab.`);

  if (missing.length > 0) return { score: 0, notCovered };
  const roleShare = machines.roles.length === 0 ? 1 : 1 - rolesMissing.length / machines.roles.length;
  const similarity = union === 0 ? 1 : common.length / union;
  return { score: Math.round(((roleShare + similarity) / 2) * 1000) / 1000, notCovered };
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
