import { createHash } from 'node:crypto';
import type { TestPlan } from '@vouch/contracts';
import canonicalize from 'canonicalize';

/** Upgrades exactly the given packages of a Debian machine, and looks at it before, after, and after a restart. */
export const DEBIAN_UPGRADE: TestPlan = {
  name: 'debian-upgrade',
  steps: ['restore', 'baseline', 'apply', 'probe-after-apply', 'reboot', 'probe-after-reboot', 'collect'],
};

/** The same, then leaves the machine alone for a moment, and takes the patch back to see whether a recall would work. */
export const DEBIAN_UPGRADE_AND_BACK: TestPlan = {
  name: 'debian-upgrade-and-back',
  steps: [
    'restore',
    'baseline',
    'apply',
    'probe-after-apply',
    'reboot',
    'probe-after-reboot',
    'way-back',
    'probe-after-way-back',
    'collect',
  ],
  watchSeconds: 3,
};

/** SHA-256 over the plan's canonical JSON (RFC 8785). A run is the same as another when this is. */
export function planDigest(plan: TestPlan): string {
  return createHash('sha256')
    .update(canonicalize(plan) ?? '')
    .digest('hex');
}
