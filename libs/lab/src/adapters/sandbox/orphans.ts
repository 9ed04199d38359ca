import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { ControlGroup } from '../host/control-group.js';
import { readMarkers, removeMarker } from '../host/markers.js';
import { identify, isAlive } from '../host/process-identity.js';
import type { SandboxHost } from './sandbox-host.js';

/**
 * Removes what an earlier process left behind when it was killed: machines that still run, their control groups, and
 * half-built layers. Machines of a process that is alive are not touched, nor is any process that is not provably the
 * recorded one.
 * @returns names of what was removed
 */
export async function removeOrphans(host: SandboxHost): Promise<string[]> {
  const removed: string[] = [];
  for (const marker of await readMarkers(host.directory)) {
    if (await isAlive(marker.owner)) continue;
    for (const recorded of marker.processes) if (await isAlive(recorded)) process.kill(recorded.pid, 'SIGKILL');
    await ControlGroup.remove(marker.controlGroups);
    await rm(path.join(host.directory, 'vms', marker.machine), { recursive: true, force: true });
    await removeMarker(host.directory, marker.machine);
    removed.push(marker.machine);
  }
  for (const name of await readdir(path.join(host.directory, 'layers'))) {
    const [, pid, startTime] = /^\.part-(\d+)-(\d+)-/.exec(name) ?? [];
    if (pid === undefined) continue;
    const builder = await identify(Number(pid));
    if (builder?.startTime === startTime) continue;
    await host.remove(`layers/${name}`);
    removed.push(name);
  }
  return removed;
}
