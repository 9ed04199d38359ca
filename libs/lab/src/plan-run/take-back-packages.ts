import { createReadStream } from 'node:fs';
import type { Component, PackageChange } from '@vouch/contracts';
import type { LabMachine } from '../lab-machine.port.js';
import { APT_GET, firstComplaint, logOf, type InstallOptions } from './apply-packages.js';
import type { StepResult } from './run-recorder.js';

const OUTBOX = '/tmp/vouch-old-packages';

/**
 * Brings packages back to the versions from before a patch: installs the exact old files again, and removes what the
 * patch added. Never ends a run: that a patch cannot be taken back is a property of the patch.
 * @param files path on this host of a component's package file
 */
export async function takeBackPackages(
  machine: LabMachine,
  changes: readonly PackageChange[],
  before: readonly Component[],
  files: (component: Component) => Promise<string | null>,
  options: InstallOptions,
): Promise<StepResult & { readonly tried: boolean }> {
  const words: string[] = [];
  for (const { package: name, from } of changes) {
    if (from === null) {
      words.push(`${name}-`);
      continue;
    }
    const component = before.find((known) => known.package === name && known.version === from);
    const file = component === undefined ? null : await files(component);
    if (file === null) return { tried: false, ok: true, detail: `not tested: this lab has not kept ${name} ${from}` };
    const deb = `${OUTBOX}/${words.length}.deb`;
    await machine.put(deb, createReadStream(file));
    words.push(deb);
  }
  if (words.length === 0) return { tried: true, ok: true, detail: 'there is nothing to take back' };
  const result = await machine.exec([...APT_GET, '--allow-downgrades', 'install', ...words], options);
  const log = logOf(result);
  if (result.exitCode === 0)
    return { tried: true, ok: true, exitCode: 0, detail: `${words.length} packages are as before`, log };
  const detail = result.timedOut
    ? `Taking it back did not end within ${options.timeoutMs / 1000} s.`
    : `Taking it back failed with exit code ${String(result.exitCode)}: ${firstComplaint(result)}`;
  return { tried: true, ok: false, exitCode: result.exitCode, detail, log };
}
