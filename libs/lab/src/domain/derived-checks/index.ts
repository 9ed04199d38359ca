import { ACCOUNTS, SCHEDULES } from './accounts.js';
import type { DerivedCheck } from './derived-check.js';
import { FILES_OUTSIDE, PERMISSIONS, PRIVILEGES, SETTINGS_KEPT } from './files.js';
import { JOURNAL_CLEAN } from './journal.js';
import { PACKAGES_KEPT, PACKAGES_WHOLE } from './packages.js';
import { DISK, MEMORY, PROCESSES, STRAYS } from './resources.js';
import { SERVICES_ENABLED, SERVICES_QUICK, SERVICES_RUN, SERVICES_STEADY } from './services.js';
import { SOCKETS_NEW, SOCKETS_OPEN } from './sockets.js';
import { KERNEL_SETTINGS, MOUNTS, NETWORK } from './system.js';

/** Every check that nobody has to write, in the order in which people read their results. */
export const DERIVED_CHECKS: readonly DerivedCheck[] = [
  SERVICES_RUN,
  SERVICES_ENABLED,
  SERVICES_STEADY,
  SERVICES_QUICK,
  SOCKETS_OPEN,
  SOCKETS_NEW,
  PACKAGES_KEPT,
  PACKAGES_WHOLE,
  SETTINGS_KEPT,
  JOURNAL_CLEAN,
  FILES_OUTSIDE,
  PRIVILEGES,
  PERMISSIONS,
  ACCOUNTS,
  SCHEDULES,
  NETWORK,
  MOUNTS,
  KERNEL_SETTINGS,
  MEMORY,
  PROCESSES,
  STRAYS,
  DISK,
];

export * from './derived-check.js';
export * from './look.js';
export { packagesIn } from './packages.js';
export * from './partial-look.js';
export { walkOf, WALK_SCRIPT } from './walk.js';
