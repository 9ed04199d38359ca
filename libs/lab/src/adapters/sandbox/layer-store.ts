import { randomUUID } from 'node:crypto';
import { access, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Component } from '@vouch/contracts';
import { thisProcess } from '../host/process-identity.js';
import type { SandboxHost } from './sandbox-host.js';

export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Inside a build, the file system that becomes the layer is mounted here. */
export const BUILD_ROOT = '/mnt/root';

/**
 * Mounts the layers below and an empty one on top, hands both to the build's own script, and leaves what it wrote in
 * `$PART/rootfs`. The package files that apt has downloaded go beside it, for the way back from a patch. `volatile`: a build that is cut off is thrown away, so nothing needs to reach the disk before the end. A
 * second builder of the same layer waits for the first, and then finds it done.
 */
const BUILD_SCRIPT = `set -eu
exec 9> "$TARGET.lock"
flock 9
[ ! -d "$TARGET" ] || exit 0
mount -t tmpfs -o mode=0755 vouch /mnt
mkdir /mnt/data /mnt/root /mnt/empty
mount --no-canonicalize --bind . /mnt/data
cd /mnt/data
mkdir -p "$PART/rootfs" "$PART/work"
mount -t overlay overlay -o "lowerdir=\${LOWER:-/mnt/empty},upperdir=$PART/rootfs,workdir=$PART/work,userxattr,volatile" /mnt/root
sh -eu -c "$BUILD"
mkdir -p "$PART/packages"
find /mnt/root/var/cache/apt/archives -name '*.deb' -exec mv -t "$PART/packages" {} + 2>/dev/null || :
umount -R -l /mnt/root
rm -rf "$PART/work"
sync -f "$PART"
mv -T "$PART" "$TARGET"
`;

/** Read-only file systems, each made once and named by what went into it. */
export class LayerStore {
  constructor(private readonly host: SandboxHost) {}

  /** Path of a layer's files, relative to the host's directory. */
  static filesOf(id: string): string {
    return `layers/${id}/rootfs`;
  }

  /** The value of overlayfs's `lowerdir`, topmost first. */
  static stack(ids: readonly string[]): string {
    return ids.map((id) => LayerStore.filesOf(id)).join(':');
  }

  has(id: string): Promise<boolean> {
    return exists(path.join(this.host.directory, 'layers', id));
  }

  /** Where the very file lies that a package in some layers was installed from; null when none of them has it. */
  async packageFile(
    ids: readonly string[],
    { package: name, version, architecture }: Component,
  ): Promise<string | null> {
    // apt escapes the colon of an epoch in a file's name.
    const file = `${name}_${version.replaceAll(':', '%3a')}_${architecture}.deb`;
    for (const id of ids) {
      const candidate = path.join(this.host.directory, 'layers', id, 'packages', file);
      if (await exists(candidate)) return candidate;
    }
    return null;
  }

  /** Names of all layers that are complete. */
  async names(): Promise<string[]> {
    const names = await readdir(path.join(this.host.directory, 'layers'));
    return names.filter((name) => !name.startsWith('.') && !name.endsWith('.lock')).sort();
  }

  /** Removes a layer that no machine stands on. */
  async remove(id: string): Promise<void> {
    const part = `layers/${await partName()}`;
    await this.host.files.mustRun(`Removing the layer ${id}`, [
      ...['env', `PART=${part}`, `TARGET=layers/${id}`, `PATH=${SYSTEM_PATH}`],
      ...['sh', '-c', REMOVE_SCRIPT],
    ]);
  }

  /**
   * Makes a layer unless it is there. It appears under its name only when it is complete.
   * @param below layers under it, topmost first
   * @param script run by `sh -eu` as root of the namespace, with the host's network and the new layer at {@link BUILD_ROOT}
   * @throws CommandFailed when the script fails; nothing is left behind then
   */
  async build(
    id: string,
    below: readonly string[],
    script: string,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<void> {
    if (await this.has(id)) return;
    const part = `layers/${await partName()}`;
    try {
      await this.host.files.mustRun(
        `Building the layer ${id}`,
        [
          ...['env', `PART=${part}`, `TARGET=layers/${id}`, `LOWER=${LayerStore.stack(below)}`, `BUILD=${script}`],
          ...['HOME=/mnt', 'LC_ALL=C.UTF-8', `PATH=${SYSTEM_PATH}`],
          // Nobody else would end it after the builder was killed, and it holds the lock that the next one waits for.
          ...['setpriv', '--pdeathsig', 'KILL'],
          ...['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', BUILD_SCRIPT],
        ],
        options,
      );
    } catch (error) {
      await this.host.remove(part);
      throw error;
    }
  }
}

/** Moves a layer aside before its files go: it is there whole, or not at all. Who builds it meanwhile waits. */
const REMOVE_SCRIPT = `set -eu
exec 9> "$TARGET.lock"
flock 9
[ -d "$TARGET" ] || exit 0
mv -T "$TARGET" "$PART"
rm -rf "$PART"
`;

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/** What is half built carries the name of its builder, so that it can be told from what has lost its builder. */
export async function partName(): Promise<string> {
  const { pid, startTime } = await thisProcess();
  return `.part-${pid}-${startTime}-${randomUUID()}`;
}
