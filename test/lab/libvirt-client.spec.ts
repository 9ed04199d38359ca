import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { domainXml, libvirtPrerequisites, Virsh } from '@vouch/lab';
import { describe, expect, it } from 'vitest';

/** libvirt's test driver: everything that libvirt checks, and no machine behind it. */
const virsh = new Virsh('test:///default');

describe('libvirt without a machine', () => {
  it('accepts the description of a machine, and checks it by its own schema', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'vouch-libvirt-'));
    const create = async (name: string, xml: string): Promise<string> => {
      const file = path.join(directory, name);
      await writeFile(file, xml);
      return virsh.order('create', '--validate', file);
    };
    try {
      const place = (file: string): string => path.join(directory, `"it's" <${file}> & more`);
      const xml = domainXml({
        name: 'vouch-a',
        accelerator: 'tcg',
        memoryMiB: 512,
        disk: place('disk'),
        kernel: place('kernel'),
        initrd: place('initrd'),
        serialLog: place('log'),
      });
      const forTest = xml.replace('type="qemu"', 'type="test"').replace('arch="x86_64" machine="pc"', 'arch="i686"');
      await create('good.xml', forTest);
      await expect(create('bad.xml', forTest.replace('<vcpu>1</vcpu>', '<vcpus>1</vcpus>'))).rejects.toMatchObject({
        code: 'command-failed',
      });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('knows which machines run, and ends one that is not there', async () => {
    expect(await virsh.runs('test')).toBe(true);
    expect(await virsh.runs('no-such-machine')).toBe(false);
    await virsh.destroy('test');
    await virsh.destroy('no-such-machine');
  });

  it('tells a machine that cannot answer from one that does not', async () => {
    const ask = virsh.agentOf('test').ask('guest-ping', {}, 2000);
    await expect(ask).rejects.toMatchObject({ code: 'no-answer', message: expect.stringContaining('not supported') });
    await expect(virsh.agentOf('none').ask('guest-ping', {}, 2000)).rejects.toThrow("failed to get domain 'none'");
  });

  it('says in a sentence why no machines can be had of it', async () => {
    const answer = await libvirtPrerequisites(new Virsh('qemu+unix:///system?socket=/nowhere/libvirt-sock'));
    expect(answer).toMatchObject({ ok: false, reason: expect.stringMatching(/\/nowhere\/libvirt-sock|install/) });
  });
});
