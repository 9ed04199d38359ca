import type { Capability } from '@vouch/contracts';
import { requiredCapabilities } from '@vouch/lab';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { patchForGolden, type OfferedArtefact } from './patch-for-golden.js';
import { canExercise, capableDrivers, capableGoldens, whyNotExercised, type KnownDriver } from './route-patch.js';

const ALL: readonly Capability[] = ['packages', 'services', 'reboot', 'kernel', 'boot', 'bootloader', 'firmware'];
const sandbox: KnownDriver = { name: 'sandbox', capabilities: ['packages', 'services', 'reboot'] };
const qemu: KnownDriver = { name: 'qemu', capabilities: [...sandbox.capabilities, 'kernel', 'boot'] };

const capabilities = fc.subarray([...ALL]);
const goldens = fc.uniqueArray(
  fc.record({
    digest: fc.string({ minLength: 4, maxLength: 4 }),
    profile_digest: fc.constantFrom('p', 'q'),
    capabilities,
  }),
  { selector: (golden) => golden.digest },
);

describe('the router', () => {
  it('gives a patch only to goldens whose driver can exercise it, and to one whenever there is one (I7)', () => {
    fc.assert(
      fc.property(goldens, capabilities, (all, needs) => {
        const given = capableGoldens(
          all.map((golden) => ({ ...golden, components: [] })),
          () => needs,
        );
        expect(given.every((golden) => canExercise(needs, golden.capabilities))).toBe(true);
        for (const profile of ['p', 'q']) {
          const able = all.filter((g) => g.profile_digest === profile && canExercise(needs, g.capabilities));
          expect(given.some((g) => g.profile_digest === profile)).toBe(able.length > 0);
        }
      }),
    );
  });

  it('leaves machines with kernels of their own alone when a sandbox will do', () => {
    const both = [sandbox, qemu].map((driver) => ({
      ...driver,
      digest: driver.name,
      profile_digest: 'p',
      components: [],
    }));
    const names = (patch: string): string[] =>
      capableGoldens(both, () => requiredCapabilities([{ package: patch }])).map(({ name }) => name);
    expect(names('nginx')).toEqual(['sandbox']);
    expect(names('linux-image-6.1.0-56-cloud-amd64')).toEqual(['qemu']);
    expect(names('initramfs-tools')).toEqual(['qemu']);
    expect(names('grub-efi-amd64-signed')).toEqual([]);
    expect(names('firmware-iwlwifi')).toEqual([]);
    expect(capableDrivers(requiredCapabilities([{ package: 'nginx' }]), [qemu, sandbox])[0]).toBe(sandbox);
  });

  it('says who will do it, or what nobody can', () => {
    const kernel = requiredCapabilities([{ package: 'linux-image-amd64' }]);
    expect(whyNotExercised(kernel, [sandbox, qemu])).toContain('"qemu"');
    expect(whyNotExercised(kernel, [sandbox])).toMatch(
      /changes the kernel and the start of the kernel, which no driver/,
    );
    expect(whyNotExercised(requiredCapabilities([{ package: 'shim-signed' }]), [sandbox, qemu])).toContain(
      'the boot loader',
    );
    expect(whyNotExercised(kernel, [])).toContain('there is none');
  });
});

describe('the part of a patch for a golden', () => {
  const offered = (name: string, depends = ''): OfferedArtefact => ({
    package: name,
    version: '2',
    architecture: 'amd64',
    fileName: `${name}.deb`,
    sizeBytes: 1,
    sha256: name,
    stanza: `Package: ${name}\n${depends}Description: x\n`,
  });
  const installed = (name: string) => ({
    package: name,
    version: '1',
    architecture: 'amd64',
    source: name,
    sourceVersion: '1',
  });
  const names = (artefacts: readonly { package: string }[]): string[] => artefacts.map((artefact) => artefact.package);

  it('has what is installed, and the new packages that this needs from the same revision', () => {
    const patch = [
      offered('linux-image-6.1.0-56-amd64', 'Depends: kmod\n'),
      offered('linux-image-6.1.0-56-rt-amd64'),
      offered('linux-image-amd64', 'Depends: linux-image-6.1.0-56-amd64 (= 2)\n'),
    ];
    const golden = [installed('linux-image-amd64'), installed('linux-image-6.1.0-50-amd64'), installed('kmod')];
    expect(names(patchForGolden(patch, golden))).toEqual(['linux-image-6.1.0-56-amd64', 'linux-image-amd64']);
    expect(patchForGolden(patch, golden)[0]).not.toHaveProperty('stanza');
  });

  it('reads folded fields, alternatives and needs of needs', () => {
    const patch = [
      offered('a', 'Pre-Depends: x (>= 1),\n b:any | c\n'),
      offered('b', 'depends: d'.concat('\n')),
      offered('c'),
      offered('d'),
      offered('e', 'Recommends: a\n'),
    ];
    expect(names(patchForGolden(patch, [installed('a')]))).toEqual(['a', 'b', 'd']);
  });

  it('is empty for a golden that has nothing of it', () => {
    expect(patchForGolden([offered('a', 'Depends: b\n'), offered('b')], [installed('z')])).toEqual([]);
  });
});
