import { runPlan, verdict } from '@vouch/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { download, jobFor, securityVersion, type PatchFile } from '../lab/lab-fixture.js';
import { sh } from '../lab/shell.js';
import { openVmLab, type VmLab } from './vm-fixture.js';

describe('a kernel patch', () => {
  let lab: VmLab;
  beforeAll(async () => {
    lab = await openVmLab();
  });
  afterAll(() => lab?.host.close());

  it('is run through to the new kernel', async () => {
    const patch = await kernelPatch('linux-image-cloud-amd64');
    const artefacts = patch.map(({ artefact }) => artefact);
    const newest = artefacts.map((artefact) => artefact.package).find((name) => /^linux-image-\d/.test(name)) ?? '';
    // The profile's own probes, and one that only the new kernel satisfies: as a golden whose technician asks for it.
    const golden = { ...lab.golden, profile: lab.profile };
    const release = newest.replace('linux-image-', '');
    const job = jobFor(golden, artefacts);
    const { observations, evidence } = await runPlan(
      lab.driver,
      {
        job,
        artefactFiles: new Map(patch.map(({ artefact, file }) => [artefact.sha256, file])),
        onProgress: ({ step, state, observation }) =>
          process.stdout.write(`${step} ${state} ${observation?.durationMs ?? ''}\n`),
        signal: new AbortController().signal,
      },
      () => new Date(),
    );
    const kernels = /Linux version (\S+)/g;
    const journal = Buffer.from(evidence.find(({ name }) => name === 'collect.log')?.bytes ?? []).toString();
    const booted = [...journal.matchAll(kernels)].map(([, version]) => version);
    expect(observations.failure).toBeNull();
    expect(booted.at(-1)).toBe(release);
    expect(new Set(booted).size).toBe(2);
    const judged = verdict(observations, { artefacts, goldenDigest: golden.digest, plan: job.plan });
    expect(judged).toMatchObject({ result: 'pass', reasons: [] });
    expect(judged.notCovered).toEqual(expect.arrayContaining(['the boot loader', 'firmware']));
    expect(observations.fileDiff.map((file) => file.path)).toContain(`/boot/vmlinuz-${release}`);
  });
});

/** A meta package in its newest version, and the kernel that it stands for. */
async function kernelPatch(meta: string): Promise<PatchFile[]> {
  const version = await securityVersion(meta);
  const fields = await sh('apt-cache show "$1"', [`${meta}=${version}`]);
  const kernel = /^Depends: (linux-image-\S+) \(= (\S+)\)/m.exec(fields);
  return download([`${meta}=${version}`, `${kernel?.[1]}=${kernel?.[2]}`]);
}
