import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { ControlGroup } from '../host/control-group.js';
import { readMarkers, removeMarker, type Marker } from '../host/markers.js';
import { Virsh } from '../libvirt/virsh.js';
import { identify, isAlive } from '../host/process-identity.js';
import { VM_FOLDER } from '../vm/vm-folder.js';
import { VM_GOLDENS } from '../vm/vm-golden.js';
import type { SandboxHost } from './sandbox-host.js';

/**
 * Removes what an earlier process left behind when it was killed: machines that still run, their control groups, and
 * half-built layers and goldens. Machines of a process that is alive are not touched, nor is any process that is not provably the
 * recorded one. What libvirt cannot be asked to end, e.g. since its client is gone, stays for another time.
 * @returns names of what was removed
 */
export async function removeOrphans(
  host: SandboxHost,
  hypervisorAt: (uri: string) => Pick<Virsh, 'destroy'> = (uri) => new Virsh(uri),
): Promise<string[]> {
  const removed: string[] = [];
  for (const marker of await readMarkers(host.directory)) {
    if (await isAlive(marker.owner)) continue;
    for (const recorded of marker.processes) if (await isAlive(recorded)) process.kill(recorded.pid, 'SIGKILL');
    if (!(await allEnded(marker.domains, hypervisorAt))) continue;
    await ControlGroup.remove(marker.controlGroups);
    await rm(path.join(host.directory, VM_FOLDER, marker.machine), { recursive: true, force: true });
    await removeMarker(host.directory, marker.machine);
    removed.push(marker.machine);
  }
  for (const folder of ['layers', VM_GOLDENS])
    for (const name of await readdir(path.join(host.directory, folder)).catch(() => [])) {
      const [, pid, startTime] = /^\.part-(\d+)-(\d+)-/.exec(name) ?? [];
      if (pid === undefined) continue;
      const builder = await identify(Number(pid));
      if (builder?.startTime === startTime) continue;
      await removeHalf(host, `${folder}/${name}`);
      removed.push(name);
    }
  for (const file of await halfWritten(host.directory)) {
    await rm(path.join(host.directory, file), { force: true });
    removed.push(file);
  }
  return removed;
}

/** Half a golden may still belong to whoever ran the builder, and not to the namespace. */
async function removeHalf(host: SandboxHost, folder: string): Promise<void> {
  await host.remove(folder).catch(() => undefined);
  await rm(path.join(host.directory, folder), { recursive: true, force: true });
}

/** Writing one takes no time: one that is an hour old has lost its writer. */
const WRITING_MS = 3_600_000;

async function halfWritten(directory: string): Promise<string[]> {
  const files: string[] = [];
  for (const folder of ['markers', 'kept'])
    for (const name of await readdir(path.join(directory, folder)).catch(() => [])) {
      if (!name.endsWith('.part')) continue;
      const { mtimeMs } = await stat(path.join(directory, folder, name)).catch(() => ({ mtimeMs: Infinity }));
      if (mtimeMs < Date.now() - WRITING_MS) files.push(`${folder}/${name}`);
    }
  return files;
}

async function allEnded(
  domains: Marker['domains'],
  hypervisorAt: (uri: string) => Pick<Virsh, 'destroy'>,
): Promise<boolean> {
  try {
    for (const { uri, name } of domains) await hypervisorAt(uri).destroy(name);
    return true;
  } catch {
    return false;
  }
}
