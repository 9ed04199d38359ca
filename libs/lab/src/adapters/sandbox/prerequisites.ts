import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ControlGroup, NoControlGroup, type Limited } from '../host/control-group.js';
import { hostRelease, NoReleaseSource } from '../host/host-release.js';
import { SYSTEM_PATH } from './layer-store.js';
import { runCommand } from '../host/run-command.js';
import { UserNamespace } from './user-namespace.js';

export type Prerequisites = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/**
 * `unlimited`: what machines may take as much of as they like here. `sysv`: machines can run, but not with systemd, for the given reason: a
 * lab of reduced fidelity.
 */
export type SandboxPrerequisites =
  | { readonly ok: true; readonly init: 'systemd'; readonly unlimited?: readonly Limited[] }
  | { readonly ok: true; readonly init: 'sysv'; readonly reason: string }
  | { readonly ok: false; readonly reason: string };

/** Programs that sandboxes are made with, and the Debian package that brings each. */
const PROGRAMS: Readonly<Record<string, string>> = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  setpriv: 'util-linux',
  flock: 'util-linux',
  prlimit: 'util-linux',
  pivot_root: 'util-linux',
  mount: 'mount',
  ip: 'iproute2',
  dpkg: 'dpkg',
  mmdebstrap: 'mmdebstrap',
};
const PROGRAMS_OF_ORDINARY_USERS: Readonly<Record<string, string>> = { newuidmap: 'uidmap', newgidmap: 'uidmap' };

/** What a machine needs of its host, tried in the user namespace that it will get. */
const TRIALS: readonly { readonly script: string; readonly missing: string }[] = [
  {
    script: `mount -t tmpfs vouch /mnt && cd /mnt && mkdir lower upper work merged && touch lower/file &&
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work,userxattr merged && rm merged/file && touch merged/other`,
    missing:
      'This machine cannot mount overlayfs in a user namespace: use a kernel from 5.11 on, with the module overlay loaded.',
  },
  {
    script: 'mount -t proc proc /mnt',
    missing:
      'This machine refuses a new /proc in a user namespace, as most containers do: run the lab on the host, or in a container without masked paths.',
  },
  {
    script: 'ip link set lo up && mount -t sysfs -o ro sysfs /mnt',
    missing:
      'This machine refuses a network namespace in a user namespace: allow it in the container’s or security policy.',
  },
];

/**
 * Can sandboxes run here? Everything is tried, nothing is guessed from versions.
 * @returns when they cannot: one sentence that says what is missing and what to do
 */
export async function prerequisites(): Promise<SandboxPrerequisites> {
  if (process.platform !== 'linux') return no('Sandboxes need Linux: run the lab on a Linux machine.');
  const asRoot = process.getuid?.() === 0;
  const missing = await missingPackages(asRoot ? PROGRAMS : { ...PROGRAMS, ...PROGRAMS_OF_ORDINARY_USERS });
  if (missing.length > 0) return no(`Programs are missing: run "sudo apt-get install ${missing.join(' ')}".`);
  const directory = await mkdtemp(path.join(tmpdir(), 'vouch-prerequisites-'));
  await chmod(directory, 0o755);
  let namespace: UserNamespace | undefined;
  try {
    namespace = await UserNamespace.open(directory);
    for (const { script, missing: reason } of TRIALS) {
      const fresh = ['unshare', '--mount', '--net', '--pid', '--fork', '--kill-child'];
      const tried = await namespace.run(['env', `PATH=${SYSTEM_PATH}`, ...fresh, 'sh', '-c', script], {
        timeoutMs: 20_000,
      });
      if (tried.exitCode !== 0) return no(reason);
    }
    await hostRelease();
    return await whichInit(namespace);
  } catch (error) {
    if (!isKnown(error)) throw error;
    return no(error.message);
  } finally {
    await namespace?.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function whichInit(namespace: UserNamespace): Promise<SandboxPrerequisites> {
  try {
    const place = await ControlGroup.place('trial');
    const group = await ControlGroup.create(place, namespace.root, { memoryBytes: 2 ** 30, processes: 64 });
    await ControlGroup.remove(group.directories);
    const { unlimited } = group;
    return { ok: true, init: 'systemd', ...(unlimited.length === 0 ? {} : { unlimited }) };
  } catch (error) {
    if (!(error instanceof NoControlGroup)) throw error;
    return { ok: true, init: 'sysv', reason: error.message };
  }
}

const no = (reason: string): { readonly ok: false; readonly reason: string } => ({ ok: false, reason });

/** Errors of this folder say in their message what is missing; others are bugs. */
const isKnown = (error: unknown): error is Error =>
  error instanceof NoReleaseSource || (error instanceof Error && 'code' in error);

/**
 * @param programs with the package that brings each
 * @returns packages of those that are not on the system's path
 */
export async function missingPackages(programs: Readonly<Record<string, string>>): Promise<string[]> {
  const names = Object.keys(programs);
  const look = 'for name; do command -v "$name" > /dev/null || echo "$name"; done';
  const { stdout } = await runCommand(['/usr/bin/env', `PATH=${SYSTEM_PATH}`, 'sh', '-c', look, 'sh', ...names]);
  return [...new Set(stdout.split('\n').flatMap((name) => programs[name] ?? []))];
}
