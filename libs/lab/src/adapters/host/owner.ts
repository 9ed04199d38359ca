import { statSync } from 'node:fs';

/** Which user of the host something runs as. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The prefix of a command that runs it as a machine's owner, and ends it with this process. */
export function asOwner({ uid, gid }: Owner): string[] {
  const mortal = ['setpriv', '--pdeathsig', 'KILL', '--no-new-privs'];
  if (process.getuid?.() !== 0) return mortal;
  const kvm = kvmGroup();
  const groups = kvm === undefined ? ['--clear-groups'] : ['--groups', String(kvm)];
  const user = ['--reuid', String(uid), '--regid', String(gid)];
  return [...mortal, ...user, ...groups, '--inh-caps=-all', '--bounding-set=-all'];
}

function kvmGroup(): number | undefined {
  return statSync('/dev/kvm', { throwIfNoEntry: false })?.gid || undefined;
}
