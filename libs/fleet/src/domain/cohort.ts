import type { Fingerprint } from '@vouch/contracts';

/** Services that every machine of a stream runs; they tell nothing about what the machine is for. */
const BASE_SERVICE =
  /^(systemd-|dbus|getty|serial-getty|console-|container-getty|user-runtime-dir|modprobe|kmod|cron|rsyslog|networking|polkit|vouch-agent|apt-|dpkg-|e2scrub|fstrim|logrotate|man-db|emergency|rescue|init\.|lab)/;

/** OS stream of a machine, e.g. `debian-12-amd64`. */
export function streamOf(fingerprint: Fingerprint): string {
  const { id, versionId } = fingerprint.osRelease;
  return `${id}-${versionId}-${fingerprint.architecture}`;
}

/**
 * Roles of a machine: the services that it runs beyond its operating system's own, without instance and suffix
 * (`postgresql@15-main.service` is `postgresql`), sorted, each once.
 */
export function rolesOf(services: readonly string[]): string[] {
  const roles = services
    .filter((service) => service.endsWith('.service') && !BASE_SERVICE.test(service))
    .map((service) => service.replace(/\.service$/, '').replace(/@.*$/, ''));
  return [...new Set(roles)].sort();
}

/** What a cohort's machines have in common. Versions are left out: a machine stays in its cohort when it is patched. */
export interface CohortTraits {
  readonly stream: string;
  readonly roles: readonly string[];
}

export function cohortTraits(fingerprint: Fingerprint): CohortTraits {
  return { stream: streamOf(fingerprint), roles: rolesOf(fingerprint.services) };
}

export function cohortLabel({ stream, roles }: CohortTraits): string {
  return roles.length === 0 ? `${stream}, no services of its own` : `${stream}: ${roles.join(', ')}`;
}
