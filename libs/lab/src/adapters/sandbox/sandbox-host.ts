import { chmod, chown, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Init } from './sysv-init.js';
import { UserNamespace } from './user-namespace.js';

/**
 * The part of this machine that sandboxes live in: a directory with `layers/` (read-only file systems), `machines/`
 * (what persistent machines wrote) and `markers/` (who runs what), and a user namespace to touch their files with.
 */
export class SandboxHost {
  private constructor(
    readonly directory: string,
    /** For building and removing files. Machines get a user namespace of their own. */
    readonly files: UserNamespace,
    /** What the machines' first process is. */
    readonly init: Init,
  ) {}

  /**
   * @param directory absolute path; it is created, and may lie below directories that only this user can read
   * @param init `sysv` where no control group can be given to a machine: see `prerequisites`
   * @throws UserNamespaceRefused, NoSubordinateIds
   */
  static async open(directory: string, init: Init = 'systemd'): Promise<SandboxHost> {
    await mkdir(path.join(directory, 'markers'), { recursive: true });
    // The namespace's root starts here, and is a stranger to this user. What lies above may stay closed to it.
    await chmod(directory, 0o711);
    const files = await UserNamespace.open(directory);
    for (const name of ['layers', 'machines']) {
      await mkdir(path.join(directory, name), { recursive: true });
      await chown(path.join(directory, name), files.root.uid, files.root.gid);
    }
    return new SandboxHost(directory, files, init);
  }

  /** Removes a directory whose files belong to ids of the namespace. */
  async remove(relativePath: string): Promise<void> {
    await this.files.mustRun(`Removing ${relativePath}`, ['rm', '-rf', '--', relativePath]);
  }

  async close(): Promise<void> {
    await this.files.close();
  }
}
