import type { Artefact, RunObservations } from '@vouch/contracts';
import { PROBING, redNames, stepOf } from './steps.js';

/** The part of what was seen that may speak against a patch. */
export type Sighting = Pick<RunObservations, 'steps' | 'packageDiff' | 'failure' | 'control'>;

export interface PatchFaults {
  /** What got worse with the patch, each a sentence. */
  readonly faults: string[];
  /** What got worse, and does so without the patch too: says nothing about the patch. */
  readonly alsoWithout: string[];
}

export function patchFaults(seen: Sighting, artefacts: readonly Artefact[]): PatchFaults {
  const faults: string[] = [];
  const alsoWithout: string[] = [];
  const { failure, control } = seen;
  if (failure?.blame === 'patch') faults.push(failure.message);
  for (const name of ['apply', 'reboot'] as const) {
    const step = stepOf(seen.steps, name);
    if (step === undefined || failure?.step === name) continue;
    if (!step.ok || (step.exitCode ?? 0) !== 0) faults.push(`The step "${name}" failed: ${step.detail}`);
  }
  for (const name of PROBING) {
    const step = stepOf(seen.steps, name);
    if (step === undefined) continue;
    const when = name === 'probe-after-apply' ? 'after the installation' : 'after the restart';
    for (const probe of step.probes.filter(({ ok }) => !ok)) {
      const usual = control?.red.some((red) => red.step === name && red.name === probe.name) ?? false;
      if (usual) alsoWithout.push(`${probe.name}: not so ${when}, and not so without the patch either.`);
      else faults.push(`${probe.name}: no longer so ${when} (${probe.detail})`);
    }
    if (!step.ok && failure?.step !== name && redNames(step).length === 0)
      faults.push(`The checks ${when} failed: ${step.detail}`);
  }
  if (failure === null) {
    for (const artefact of artefacts) {
      const changed = seen.packageDiff.find((change) => change.package === artefact.package);
      if (changed?.to !== artefact.version)
        faults.push(`${artefact.package} is not at version ${artefact.version} after the installation.`);
    }
  }
  return { faults, alsoWithout };
}
