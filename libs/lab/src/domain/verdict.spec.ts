import type { Artefact, PlanStep, RunObservations, StepObservation } from '@vouch/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requiredCapabilities } from './capabilities.js';
import { DEBIAN_UPGRADE, DEBIAN_UPGRADE_AND_BACK } from './plan.js';
import { unobserved, verdict, type Verdict, type VerdictRequest } from './verdict.js';

const artefact: Artefact = {
  package: 'nginx',
  version: '1.2-3',
  architecture: 'amd64',
  fileName: 'nginx_1.2-3_amd64.deb',
  sizeBytes: 1000,
  sha256: 'a'.repeat(64),
};
const request: VerdictRequest = { artefacts: [artefact], goldenDigest: 'b'.repeat(64), plan: DEBIAN_UPGRADE };
const PROBING: readonly PlanStep[] = ['baseline', 'probe-after-apply', 'probe-after-reboot'];

const step = (name: PlanStep): StepObservation => ({
  step: name,
  startedAt: '2026-01-02T03:04:05.000Z',
  durationMs: 10,
  exitCode: name === 'apply' ? 0 : null,
  ok: true,
  detail: 'as expected',
  probes: PROBING.includes(name)
    ? ['web site answers', 'service nginx.service runs'].map((probe) => ({
        name: probe,
        ok: true,
        detail: 'as expected',
        durationMs: 1,
      }))
    : [],
});

const healthy: RunObservations = {
  driver: 'sandbox',
  fidelity: 'full',
  capabilities: ['packages', 'services', 'reboot'],
  goldenDigest: request.goldenDigest,
  plan: DEBIAN_UPGRADE,
  tested: [artefact],
  steps: DEBIAN_UPGRADE.steps.map(step),
  packageDiff: [{ package: 'nginx', from: '1.2-1', to: '1.2-3' }],
  fileDiff: [],
  failure: null,
  labMilliseconds: 9000,
};

const withStep = (name: PlanStep, change: Partial<StepObservation>): RunObservations => ({
  ...healthy,
  steps: healthy.steps.map((seen) => (seen.step === name ? { ...seen, ...change } : seen)),
});
const withRedProbe = (from: RunObservations, name: PlanStep, index: number): RunObservations => ({
  ...from,
  steps: from.steps.map((seen) =>
    seen.step === name
      ? {
          ...seen,
          ok: false,
          probes: seen.probes.map((p, i) => (i === index ? { ...p, ok: false, detail: 'gone' } : p)),
        }
      : seen,
  ),
});
const failing = (blame: 'lab' | 'patch', code: NonNullable<RunObservations['failure']>['code'], at: PlanStep) => ({
  ...healthy,
  steps: healthy.steps
    .slice(0, DEBIAN_UPGRADE.steps.indexOf(at) + 1)
    .map((seen) => (seen.step === at ? { ...seen, ok: false } : seen)),
  failure: { step: at, blame, code, message: 'It did not work.' },
});

describe('verdict', () => {
  it('passes a run in which everything asked for was done and nothing got worse', () => {
    expect(verdict(healthy, request)).toMatchObject({ result: 'pass', reasons: [] });
  });

  const cases: [string, RunObservations, Verdict['result']][] = [
    ['a check red after the installation', withRedProbe(healthy, 'probe-after-apply', 0), 'fail'],
    ['a check red only after the restart', withRedProbe(healthy, 'probe-after-reboot', 1), 'fail'],
    ['an installation that fails', withStep('apply', { ok: false, exitCode: 100 }), 'fail'],
    ['an exit code that contradicts "ok"', withStep('apply', { exitCode: 1 }), 'fail'],
    ['an installation that ends the run', failing('patch', 'apply-failed', 'apply'), 'fail'],
    ['a file that is not a package', failing('patch', 'artefact-not-a-package', 'apply'), 'fail'],
    ['a machine that does not come back', failing('patch', 'boot-failed', 'reboot'), 'fail'],
    ['an installation without an end', failing('patch', 'time-limit', 'apply'), 'fail'],
    ['another version than the patch brings', { ...healthy, packageDiff: [] }, 'fail'],
    ['a red baseline', withRedProbe(healthy, 'baseline', 0), 'inconclusive'],
    ['a baseline without checks', withStep('baseline', { probes: [] }), 'inconclusive'],
    ['a dependency that the patch does not bring', failing('lab', 'dependency-missing', 'apply'), 'inconclusive'],
    ['a lab that lost the test', unobserved(request.goldenDigest, DEBIAN_UPGRADE), 'inconclusive'],
    ['another golden', { ...healthy, goldenDigest: 'c'.repeat(64) }, 'inconclusive'],
    ['another plan', { ...healthy, plan: { name: 'debian-upgrade', steps: ['restore'] } }, 'inconclusive'],
    ['other bytes', { ...healthy, tested: [{ ...artefact, sha256: 'd'.repeat(64) }] }, 'inconclusive'],
    ['more files than asked for', { ...healthy, tested: [artefact, { ...artefact, package: 'x' }] }, 'inconclusive'],
    ['a failed collection', withStep('collect', { ok: false }), 'inconclusive'],
    ['a step told twice', { ...healthy, steps: [...healthy.steps, step('apply')] }, 'inconclusive'],
    [
      'checks that were not repeated',
      withStep('probe-after-reboot', { probes: step('baseline').probes.slice(1) }),
      'inconclusive',
    ],
  ];
  it.each(cases)('on %s', (_case, observations, expected) => {
    const judged = verdict(observations, request);
    expect(judged.result).toBe(expected);
    expect(judged.reasons).not.toHaveLength(0);
    expect(judged.sentence).toContain(judged.reasons[0]);
  });

  it('says of a question that nobody answered, and passes what is well all the same', () => {
    const judged = verdict(withStep('apply', { questions: ['nginx/port'] }), request);
    expect(judged).toMatchObject({ result: 'pass', cautions: [expect.stringContaining('(nginx/port)')] });
    expect(judged.sentence).toContain('asked something');
    expect(judged.sentence).not.toContain('taken back');
  });

  it('is inconclusive for a kernel in a lab that has none of its own', () => {
    const kernel = { ...artefact, package: 'linux-image-amd64' };
    const seen = { ...healthy, tested: [kernel], packageDiff: [{ package: kernel.package, from: '1', to: '1.2-3' }] };
    const judged = verdict(seen, { ...request, artefacts: [kernel] });
    expect(judged).toMatchObject({ result: 'inconclusive', reasons: [expect.stringContaining('kernel, boot')] });
    const capable = { ...seen, capabilities: [...healthy.capabilities, 'kernel' as const, 'boot' as const] };
    expect(verdict(capable, { ...request, artefacts: [kernel] }).result).toBe('pass');
  });

  const changed = (path: string, change: 'added-or-changed' | 'removed' = 'added-or-changed') => ({
    ...healthy,
    fileDiff: [
      { path: '/usr/bin/nginx', change: 'added-or-changed' as const, kind: 'file' },
      { path, change, kind: 'file' },
    ],
  });
  const VM: RunObservations['capabilities'] = [...healthy.capabilities, 'kernel', 'boot'];

  // By any name: pve-kernel-*, cryptsetup-initramfs, zfs-initramfs, mdadm, lvm2 and whatever comes next.
  it.each<[string, Verdict['result'], Verdict['result']]>([
    ['/boot/vmlinuz-6.1.0-1-pve', 'inconclusive', 'pass'],
    ['/usr/lib/modules/6.1.0-1-pve/modules.dep', 'inconclusive', 'pass'],
    ['/lib/modules/6.1.0/kernel/fs/zfs.ko', 'inconclusive', 'pass'],
    ['/usr/share/initramfs-tools/hooks/cryptroot', 'inconclusive', 'pass'],
    ['/usr/share/initramfs-tools/scripts/local-block/lvm2', 'inconclusive', 'pass'],
    ['/etc/initramfs-tools/conf.d/resume', 'inconclusive', 'pass'],
    ['/usr/lib/firmware/regulatory.db', 'inconclusive', 'inconclusive'],
    ['/lib/firmware/amd/laptop.sbin', 'inconclusive', 'inconclusive'],
    ['/usr/lib/grub/x86_64-efi/normal.mod', 'inconclusive', 'inconclusive'],
    ['/usr/lib/systemd/boot/efi/systemd-bootx64.efi', 'inconclusive', 'inconclusive'],
    ['/usr/lib/modules-load.d/web.conf', 'pass', 'pass'],
    ['/usr/lib/udev/rules.d/60-web.rules', 'pass', 'pass'],
    ['/usr/share/doc/initramfs-tools/README', 'pass', 'pass'],
    ['/var/lib/web/boot/menu', 'pass', 'pass'],
  ])('on a patch that changes %s: %s in a sandbox, %s in a machine with a kernel of its own', (path, sandbox, vm) => {
    const judged = verdict(changed(path), request);
    expect(judged.result).toBe(sandbox);
    expect(judged.sentence.includes(path)).toBe(sandbox !== 'pass');
    expect(verdict(changed(path, 'removed'), request).result).toBe(sandbox);
    expect(verdict({ ...changed(path), capabilities: VM }, request).result).toBe(vm);
  });

  it('never passes from a sandbox what changes how a machine starts, whatever else was seen', () => {
    const place = fc.constantFrom('/boot/', '/usr/lib/modules/', '/lib/firmware/', '/usr/share/initramfs-tools/');
    fc.assert(
      fc.property(place, fc.stringMatching(/^[a-z0-9./-]{1,20}$/), fc.boolean(), (folder, name, broken) => {
        const seen = changed(`${folder}${name}`);
        const judged = verdict(broken ? { ...seen, steps: withStep('apply', { exitCode: 1 }).steps } : seen, request);
        return judged.result === 'inconclusive' && judged.reasons.some((reason) => reason.includes('cannot exercise'));
      }),
    );
  });

  it('shows what was not covered beside what was', () => {
    const judged = verdict(healthy, request);
    expect(judged.covered).toEqual(expect.arrayContaining(['installation of nginx 1.2-3', 'web site answers']));
    expect(judged.notCovered).toEqual(expect.arrayContaining(['the kernel and its drivers', 'firmware']));
  });
});

describe('a verdict on a patch that is taken back', () => {
  const asked: VerdictRequest = { ...request, plan: DEBIAN_UPGRADE_AND_BACK };
  const probed = (name: PlanStep): StepObservation => ({ ...step(name), probes: step('baseline').probes });
  const full: RunObservations = {
    ...healthy,
    plan: asked.plan,
    steps: asked.plan.steps.map((name) => (name === 'probe-after-way-back' ? probed(name) : step(name))),
  };
  const change = (name: PlanStep, how: Partial<StepObservation>): RunObservations => ({
    ...full,
    steps: full.steps.map((seen) => (seen.step === name ? { ...seen, ...how } : seen)),
  });
  const red = (name: PlanStep) => withRedProbe(full, name, 0);

  it.each<[string, RunObservations, Verdict['result'], boolean | null]>([
    ['works', full, 'pass', true],
    ['fails', change('way-back', { ok: false, exitCode: 100 }), 'pass', false],
    ['leaves something broken', red('probe-after-way-back'), 'pass', false],
    [
      'leaves something broken that breaks without the patch too',
      { ...red('probe-after-way-back'), control: controlWith('probe-after-way-back') },
      'pass',
      true,
    ],
    ['was not tried', { ...full, unmeasured: ['the way back to the versions before'] }, 'pass', null],
    ['is missing in the report', { ...full, steps: full.steps.slice(0, -3) }, 'inconclusive', null],
    ['does not matter for a patch that fails', red('probe-after-apply'), 'fail', true],
  ])('when the way back %s', (_case, observations, result, reversible) => {
    const judged = verdict(observations, asked);
    expect([judged.result, judged.reversible]).toEqual([result, reversible]);
    expect(judged.cautions.length > 0).toBe(reversible === false);
    expect(judged.sentence.includes('cannot simply be taken back')).toBe(result === 'pass' && reversible === false);
  });
});

describe('a verdict on a patch that seems to fail', () => {
  const failed = withRedProbe(healthy, 'probe-after-apply', 0);
  const repeat = ({ steps, packageDiff, failure }: RunObservations) => [{ steps, packageDiff, failure }];

  it.each<[string, Partial<RunObservations>, Verdict['result'], string]>([
    ['and fails again', { repeats: repeat(failed) }, 'fail', 'no longer so'],
    [
      'and fails elsewhere',
      { repeats: repeat(withRedProbe(healthy, 'probe-after-reboot', 1)) },
      'fail',
      'no longer so',
    ],
    ['and passes then', { repeats: repeat(healthy) }, 'inconclusive', 'flaky'],
    [
      'and the lab fails then',
      { repeats: repeat(failing('lab', 'lab-unavailable', 'restore')) },
      'inconclusive',
      'confirmed',
    ],
    [
      'and ends early then',
      { repeats: repeat({ ...healthy, steps: healthy.steps.slice(0, 2) }) },
      'inconclusive',
      'confirmed',
    ],
    [
      'and fails without the patch too',
      { control: controlWith('probe-after-apply') },
      'inconclusive',
      'without the patch',
    ],
    ['and something else fails without it', { control: controlWith('probe-after-reboot') }, 'fail', 'no longer so'],
  ])('%s', (_case, more, result, word) => {
    const judged = verdict({ ...failed, ...more }, request);
    expect(judged.result).toBe(result);
    expect(judged.reasons.join()).toContain(word);
  });

  const lost = failing('patch', 'machine-lost', 'probe-after-apply');
  const late = failing('patch', 'time-limit', 'probe-after-reboot');
  const withControl = { control: controlWith('collect') };
  it.each<[string, RunObservations, Verdict['result'], string]>([
    ['was lost twice', { ...lost, ...withControl, repeats: repeat(lost) }, 'fail', 'did not work'],
    ['came to no end twice', { ...late, ...withControl, repeats: repeat(late) }, 'fail', 'did not work'],
    ['was lost, then broken', { ...lost, ...withControl, repeats: repeat(failed) }, 'fail', 'did not work'],
    ['was lost once', { ...lost, ...withControl, repeats: repeat(healthy) }, 'inconclusive', 'flaky'],
    ['was lost, and not tried again', { ...lost, ...withControl }, 'inconclusive', 'once only'],
    ['was lost twice, and nothing is known without', { ...lost, repeats: repeat(lost) }, 'inconclusive', 'once only'],
    [
      'was lost, and the lab failed then',
      { ...lost, ...withControl, repeats: repeat(failing('lab', 'lab-unavailable', 'restore')) },
      'inconclusive',
      'confirmed',
    ],
    ['was lost by the lab', failing('lab', 'lab-unavailable', 'probe-after-apply'), 'inconclusive', 'lab could not'],
  ])('and whose machine %s', (_case, observations, result, word) => {
    const judged = verdict(observations, request);
    expect(judged.result, judged.sentence).toBe(result);
    expect(judged.reasons.join()).toContain(word);
  });

  it('lists what it could not look at', () => {
    const judged = verdict(
      { ...healthy, unmeasured: ['the weather'], control: { ...controlWith('collect'), ignored: 3 } },
      request,
    );
    expect(judged.result).toBe('pass');
    expect(judged.notCovered).toEqual(expect.arrayContaining(['the weather', expect.stringContaining('3 things')]));
  });
});

function controlWith(name: PlanStep): NonNullable<RunObservations['control']> {
  return { sha256: 'e'.repeat(64), red: [{ step: name, name: 'web site answers' }], ignored: 0 };
}

describe('verdict, for whatever a run may see', () => {
  const RANK = { fail: 0, inconclusive: 1, pass: 2 } as const;
  const probes = fc.array(fc.record({ name: fc.constantFrom('a', 'b', 'c'), ok: fc.boolean() }), { maxLength: 4 });
  const anyStep = fc
    .record({
      step: fc.constantFrom(...DEBIAN_UPGRADE.steps),
      ok: fc.boolean(),
      exitCode: fc.constantFrom(null, 0, 1),
      probes,
    })
    .map((seen): StepObservation => {
      const full = seen.probes.map((probe) => ({ ...probe, detail: '', durationMs: 1 }));
      return { ...step(seen.step), ...seen, probes: full };
    });
  const anyFailure = fc.option(
    fc.record({
      step: fc.constantFrom(...DEBIAN_UPGRADE.steps),
      blame: fc.constantFrom('lab' as const, 'patch' as const),
      code: fc.constantFrom('apply-failed' as const, 'time-limit' as const, 'baseline-red' as const),
      message: fc.constant('why'),
    }),
    { freq: 3 },
  );
  const anyRun = fc
    .record({
      // Mostly complete runs: otherwise everything is inconclusive for a dull reason.
      steps: fc.oneof(fc.constant(healthy.steps), fc.uniqueArray(anyStep, { selector: (seen) => seen.step })),
      failure: anyFailure,
      tested: fc.boolean().map((asked) => (asked ? [artefact] : [])),
    })
    .map((part): RunObservations => ({ ...healthy, ...part }));

  it('never passes a run with a red or missing step, or a red check', () => {
    fc.assert(
      fc.property(anyRun, (run) => {
        const complete = DEBIAN_UPGRADE.steps.every((name) => run.steps.some((seen) => seen.step === name && seen.ok));
        const green = run.steps.every((seen) => seen.probes.every((probe) => probe.ok));
        if (!complete || !green || run.failure !== null) expect(verdict(run, request).result).not.toBe('pass');
      }),
    );
  });

  it('never blames the patch for a machine that was not healthy before', () => {
    fc.assert(
      fc.property(anyRun, fc.nat(1), (run, index) => {
        expect(verdict(withRedProbe(run, 'baseline', index), request).result).not.toBe('pass');
        const red = run.steps.some((seen) => seen.step === 'baseline' && seen.probes.some((probe) => !probe.ok));
        if (red) expect(verdict(run, request).result).toBe('inconclusive');
      }),
    );
  });

  it('never gets better when a later check turns red', () => {
    const where = fc.constantFrom('probe-after-apply' as const, 'probe-after-reboot' as const);
    fc.assert(
      fc.property(anyRun, where, fc.nat(3), (run, name, index) => {
        const before = verdict(run, request).result;
        expect(RANK[verdict(withRedProbe(run, name, index), request).result]).toBeLessThanOrEqual(RANK[before]);
      }),
    );
  });
});

describe('requiredCapabilities', () => {
  it.each([
    ['nginx', []],
    ['linux-image-cloud-amd64', ['kernel', 'boot']],
    ['linux-libc-dev', []],
    ['zfs-dkms', ['kernel']],
    ['grub-efi-amd64-signed', ['boot', 'bootloader']],
    ['shim-signed', ['boot', 'bootloader']],
    ['shimmer-tools', []],
    ['firmware-iwlwifi', ['firmware', 'boot']],
    ['linux-firmware', ['firmware', 'boot']],
    ['intel-microcode', ['firmware', 'boot']],
    ['initramfs-tools-core', ['boot']],
  ])('%s needs %j beyond packages, services and restarts', (name, special) => {
    expect(requiredCapabilities([{ package: name }])).toEqual(['packages', 'services', 'reboot', ...special]);
  });
});
