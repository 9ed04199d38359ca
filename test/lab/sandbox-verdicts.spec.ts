import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RunAborted } from '@vouch/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage, NO_LAB, openLab, patchFile, securityUpgrade, type Lab, type PatchFile } from './lab-fixture.js';

/** A package of the golden that nothing else leans on: what happens to it is its own doing. */
const VICTIM = { package: 'postgresql', version: '9999' };

describe.skipIf(NO_LAB)('a verdict from the sandbox', () => {
  let lab: Lab;
  let folder: string;

  beforeAll(async () => {
    lab = await openLab();
    folder = await mkdtemp(path.join(tmpdir(), 'vouch-lab-'));
  });
  afterAll(async () => {
    await lab?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.concurrent.each(['nginx', 'openssl'])('passes a real security update of %s', async (source) => {
    const patch = await securityUpgrade(lab.golden, source);
    expect(patch, `no security update of ${source} is newer than the release`).not.toHaveLength(0);
    const { verdict, observations, evidence } = await lab.test(patch);
    expect(verdict).toMatchObject({ result: 'pass', reasons: [], reversible: true });
    expect(observations.tested).toEqual(patch.map(({ artefact }) => artefact));
    expect(observations.packageDiff.map(({ package: name, to }) => [name, to]).sort()).toEqual(
      patch.map(({ artefact }) => [artefact.package, artefact.version]).sort(),
    );
    expect(observations.fileDiff.map(({ path: file }) => file)).toContain('/var/lib/dpkg/status');
    expect(evidence.get('apply.log')).toContain(`Setting up ${patch[0]?.artefact.package}`);
    for (const { step, logSha256 } of observations.steps) {
      const log = evidence.get(`${step}.log`) ?? '';
      expect([step, logSha256]).toEqual([step, createHash('sha256').update(log).digest('hex')]);
      expect(log, step).not.toBe('');
    }
    expect(evidence.get('baseline.log')).toContain('web site answers');
    const changes = JSON.parse(evidence.get('changes.json') ?? '{}') as Record<
      string,
      { packages: unknown[]; files: unknown[] }
    >;
    expect(changes['probe-after-apply']?.packages).toEqual(observations.packageDiff);
    expect(changes['probe-after-way-back']?.packages).toEqual([]);
    expect(changes['probe-after-reboot']?.files).not.toEqual([]);
    expect(observations.labMilliseconds).toBeGreaterThan(0);
  });

  it.concurrent('fails a package whose installation fails', async () => {
    const { verdict, observations } = await lab.test([await buildPackage(folder, VICTIM, 'exit 7')]);
    expect(verdict.result).toBe('fail');
    expect(observations.failure).toMatchObject({ code: 'apply-failed', blame: 'patch', step: 'apply' });
    expect(verdict.reasons.join()).toContain('postgresql');
  });

  it.concurrent('fails a package that stops a service', async () => {
    const { verdict } = await lab.test([await buildPackage(folder, VICTIM, 'systemctl stop nginx')]);
    expect(verdict.result).toBe('fail');
    expect(verdict.reasons.join()).toContain('web site answers');
    expect(verdict.reasons.join()).toContain('nobody listens on tcp 0.0.0.0:80');
  });

  it.concurrent('fails a package whose harm shows only after a restart', async () => {
    const harm = 'echo nonsense >> /etc/nginx/nginx.conf';
    const { verdict, observations } = await lab.test([await buildPackage(folder, VICTIM, harm)]);
    expect(verdict.result).toBe('fail');
    const web = observations.steps.map((step) => step.probes.find(({ name }) => name === 'web site answers')?.ok);
    expect(web.filter((ok) => ok !== undefined)).toEqual([true, true, false, false]);
  });

  it.concurrent('fails a package that never ends its installation', async () => {
    const patch = await buildPackage(folder, VICTIM, 'sleep 3600');
    const { verdict, observations } = await lab.test([patch], { limits: { applyMs: 4000 } });
    expect(verdict.result).toBe('fail');
    expect(observations.failure).toMatchObject({ code: 'time-limit', blame: 'patch', step: 'apply' });
  });

  it.concurrent('fails a file that is no package although its digest is right', async () => {
    const file = path.join(folder, 'not-a-package.deb');
    await writeFile(file, 'MZ this is something else');
    const { verdict, observations } = await lab.test([await patchFile(file, { ...VICTIM, architecture: 'all' })]);
    expect(verdict.result).toBe('fail');
    expect(observations.failure?.code).toBe('artefact-not-a-package');
  });

  it.concurrent('fails a package that is another one than the vendor calls it', async () => {
    const { file, artefact } = await buildPackage(folder, { ...VICTIM, version: '9998' }, 'true');
    const { verdict } = await lab.test([{ file, artefact: { ...artefact, version: '9999' } }]);
    expect(verdict).toMatchObject({ result: 'fail', reasons: [expect.stringContaining('"postgresql 9998 all"')] });
  });

  const withoutResult: [string, string, (good: PatchFile) => Promise<Parameters<Lab['test']>>][] = [
    [
      'bytes that are not the ones named',
      'artefact-digest-mismatch',
      async ({ file, artefact }) => [[{ file, artefact: { ...artefact, sha256: '0'.repeat(64) } }]],
    ],
    [
      'a package that needs others, which are not part of the patch',
      'dependency-missing',
      async () => [[await buildPackage(folder, { ...VICTIM, depends: 'nginx (>= 9999)' }, 'true')]],
    ],
    [
      'a machine that was not healthy before',
      'baseline-red',
      async (good) => {
        const probes = [{ type: 'tcp' as const, name: 'mail is accepted', port: 25 }];
        return [[good], { golden: { ...lab.golden, profile: { ...lab.profile, probes } } }];
      },
    ],
    [
      'a package that the environment does not have',
      'cannot-exercise',
      async () => [[await buildPackage(folder, { package: 'vouch-unknown', version: '1' }, 'true')]],
    ],
  ];
  it.concurrent.each(withoutResult)('is inconclusive for %s', async (_case, code, arrange) => {
    const { verdict, observations } = await lab.test(...(await arrange(await buildPackage(folder, VICTIM, 'true'))));
    expect(verdict.result).toBe('inconclusive');
    expect(observations.failure).toMatchObject({ code, blame: 'lab' });
  });

  it.concurrent('tells every step as it happens', async () => {
    const { progress, observations } = await lab.test([await buildPackage(folder, VICTIM, 'true')]);
    expect(progress.map(({ step, state }) => `${step} ${state}`)).toEqual(
      observations.plan.steps.flatMap((step) => [`${step} started`, `${step} finished`]),
    );
  });

  it.concurrent('fails a package after which the machine hangs, and never hangs with it', async () => {
    const hang = "printf '#!/bin/sh\\nexec sleep infinity\\n' > /usr/bin/dpkg-query";
    const patch = await buildPackage(folder, VICTIM, hang);
    const { verdict, observations } = await lab.test([patch], { limits: { runMs: 25_000 }, repeated: true });
    expect(verdict.result, verdict.sentence).toBe('fail');
    expect(observations.failure).toMatchObject({ code: 'time-limit', blame: 'patch', step: 'probe-after-apply' });
    expect(observations.repeats).toHaveLength(1);
  });

  it.concurrent('fails a package that ends the machine', async () => {
    const patch = await buildPackage(folder, VICTIM, 'poweroff --force --force');
    const { verdict, observations } = await lab.test([patch], { repeated: true });
    expect(verdict.result, verdict.sentence).toBe('fail');
    expect(observations.failure).toMatchObject({ code: 'machine-lost', blame: 'patch' });
  });

  it.concurrent('ends at once when the run is called off while the way back hangs', async () => {
    const calledOff = new AbortController();
    // Only what is asked of it on the way back.
    const wrapper =
      '#!/bin/sh\\ncase "$*" in *--allow-downgrades*) exec sleep infinity;; esac\\nexec apt-get.real "$@"\\n';
    const swap = `mv apt-get apt-get.real; printf '${wrapper}' > apt-get; chmod 755 apt-get`;
    const patch = await buildPackage(folder, VICTIM, `cd /usr/bin; ${swap}`);
    const running = lab.test([patch], {
      signal: calledOff.signal,
      onProgress: ({ step, state }) =>
        void (step === 'way-back' && state === 'started' && setTimeout(() => calledOff.abort(), 1000)),
    });
    await expect(running).rejects.toThrow(RunAborted);
  });

  it.concurrent('ends at once when the run is called off', async () => {
    const calledOff = new AbortController();
    const patch = await buildPackage(folder, VICTIM, 'sleep 3600');
    const running = lab.test([patch], { signal: calledOff.signal });
    setTimeout(() => calledOff.abort(), 15_000);
    await expect(running).rejects.toThrow(RunAborted);
  });
});
