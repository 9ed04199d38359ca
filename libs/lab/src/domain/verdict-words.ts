import type { Artefact, Capability, RunObservations } from '@vouch/contracts';
import { WAY_BACK_UNTESTED } from './way-back.js';

/** Says a verdict in one or two sentences, without technical words of our own. */
export function sentenceFor(
  result: 'pass' | 'fail' | 'inconclusive',
  artefacts: readonly Artefact[],
  reasons: readonly string[],
  cautions: { readonly asked: readonly string[]; readonly ofWayBack: readonly string[] },
): string {
  const patch = `The update ${subject(artefacts)}`;
  switch (result) {
    case 'pass':
      return `${patch} was installed on a test machine: everything that worked before works afterwards, also after a restart.${
        cautions.asked.length === 0 ? '' : ' It asked something when it was installed, and nobody answered.'
      }${cautions.ofWayBack.length === 0 ? '' : ' But once installed, it cannot simply be taken back.'}`;
    case 'fail':
      return `${patch} broke something on a test machine, so it is not offered to yours. ${reasons[0] ?? ''}`.trim();
    case 'inconclusive':
      return `${patch} could not be judged, so it is not offered to your machines yet. ${reasons[0] ?? ''}`.trim();
  }
}

/** What the run looked at, in phrases. */
export function testedByRun(observations: RunObservations): string[] {
  const ran = new Set(observations.steps.filter((step) => step.ok).map((step) => step.step));
  const packages = observations.tested.map((artefact) => `${artefact.package} ${artefact.version}`);
  const baseline = observations.steps.find((step) => step.step === 'baseline');
  const derived = observations.steps.find((step) => step.step === 'probe-after-apply');
  return [
    ...(ran.has('apply') ? packages.map((name) => `installation of ${name}`) : []),
    ...(ran.has('reboot') ? ['a restart of the machine'] : []),
    ...(ran.has('way-back') && !observations.unmeasured?.includes(WAY_BACK_UNTESTED)
      ? ['the way back to the versions before']
      : []),
    ...new Set([...(baseline?.probes ?? []), ...(derived?.probes ?? [])].map((probe) => probe.name)),
  ];
}

const CAPABILITY_WORDS: Readonly<Record<Capability, string>> = {
  packages: 'installing packages',
  services: 'running services',
  reboot: 'restarting',
  kernel: 'the kernel and its drivers',
  boot: 'the first seconds of a start',
  bootloader: 'the boot loader',
  firmware: 'firmware',
};

/** What no run of this driver can say, in phrases. */
export function untestedByRun(observations: RunObservations): string[] {
  const words = Object.entries(CAPABILITY_WORDS);
  return [
    ...words.filter(([name]) => !observations.capabilities.some((own) => own === name)).map(([, phrase]) => phrase),
    ...(observations.unmeasured ?? []),
    ...ignored(observations),
    'what takes longer to go wrong than the minutes that a test lasts',
    'your own data and settings',
    'connections to other machines, since the lab has no network',
    ...(observations.fidelity === 'reduced' ? ['the start of services as a real machine does it'] : []),
  ];
}

/** What a check cannot say because the same happens without the patch. */
const ignored = ({ control }: RunObservations): string[] =>
  control === undefined || control.ignored === 0
    ? []
    : [`${control.ignored} things that also change on such a machine without the patch`];

function subject(artefacts: readonly Artefact[]): string {
  const [first, ...others] = artefacts;
  if (first === undefined) return 'of an unknown patch';
  const more = others.length === 0 ? '' : ` (with ${others.length} more package${others.length === 1 ? '' : 's'})`;
  return `of ${first.package} to ${first.version}${more}`;
}
