import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { domainXml } from './domain-xml.js';
import { readStatistics } from './virsh.js';

const spec = {
  name: 'vouch-a',
  accelerator: 'tcg' as const,
  memoryMiB: 512,
  disk: '/lab/disk.qcow2',
  kernel: '/lab/vmlinuz',
  initrd: '/lab/initrd.img',
  serialLog: '/lab/serial.log',
};

describe("a machine in libvirt's words", () => {
  it('has no way out: no network card, no screen that one can connect to', () => {
    const xml = domainXml(spec);
    expect(xml).not.toMatch(/<interface|<graphics|<hostdev|<filesystem|<redirdev/);
  });

  it('is virtualised only where that was found to work', () => {
    expect(domainXml(spec)).toContain('<domain type="qemu">');
    expect(domainXml({ ...spec, accelerator: 'kvm' })).toMatch(/<domain type="kvm">[^]*host-passthrough/);
  });

  it('keeps its shape whatever a path or a name contains', () => {
    const shape = (xml: string): string => xml.replace(/"[^"]*"|>[^<]*</g, '');
    fc.assert(
      fc.property(fc.string(), fc.string(), (name, disk) => {
        expect(shape(domainXml({ ...spec, name, disk }))).toBe(shape(domainXml(spec)));
      }),
    );
  });
});

describe("libvirt's figures of a machine", () => {
  it('are read in our units', () => {
    const text = `Domain: 'a'\n  cpu.time=1500000000\n  balloon.current=524288\n  balloon.rss=1024\n  block.count=1\n  block.0.path=/x\n  block.0.allocation=4096\n`;
    expect(readStatistics(text)).toEqual({ memoryBytes: 1024 ** 2, processorMs: 1500, writtenBytes: 4096 });
  });

  it('are nothing when libvirt tells nothing', () => {
    expect(readStatistics('')).toEqual({ memoryBytes: 0, processorMs: 0, writtenBytes: 0 });
  });
});
