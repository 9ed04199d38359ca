import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BUILD_ROOT, LayerStore, SandboxHost } from '@vouch/lab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_LAB } from './lab-fixture.js';

const LIMIT = { timeoutMs: 30_000 };

describe.skipIf(NO_LAB)('a layer', () => {
  let directory: string;
  let host: SandboxHost;
  let layers: LayerStore;
  beforeEach(async () => {
    // Closed to everybody else: a lab has to work below a home directory, too.
    directory = await mkdtemp(path.join(tmpdir(), 'vouch-layers-'));
    host = await SandboxHost.open(directory);
    layers = new LayerStore(host);
  });
  afterEach(async () => {
    await host.close();
    await rm(directory, { recursive: true, force: true });
  });

  const read = (id: string, file: string): Promise<string> =>
    readFile(path.join(directory, LayerStore.filesOf(id), file), 'utf8');
  const names = async (): Promise<string[]> =>
    (await readdir(path.join(directory, 'layers'))).filter((name) => !name.endsWith('.lock')).sort();

  it('holds what its build wrote over the layers below, and only that', async () => {
    await layers.build('below', [], `echo one > ${BUILD_ROOT}/a; echo one > ${BUILD_ROOT}/b`, LIMIT);
    await layers.build('above', ['below'], `cat ${BUILD_ROOT}/a > ${BUILD_ROOT}/c; echo two > ${BUILD_ROOT}/b`, LIMIT);
    expect(await readdir(path.join(directory, LayerStore.filesOf('above')))).toEqual(['b', 'c']);
    expect([await read('above', 'c'), await read('above', 'b'), await read('below', 'b')]).toEqual([
      'one\n',
      'two\n',
      'one\n',
    ]);
  });

  it('is built once when two ask for it at the same time', async () => {
    const script = `cat /proc/sys/kernel/random/uuid > ${BUILD_ROOT}/id; sleep 0.5`;
    const elsewhere = await SandboxHost.open(directory);
    await Promise.all([
      layers.build('same', [], script, LIMIT),
      new LayerStore(elsewhere).build('same', [], script, LIMIT),
    ]);
    const id = await read('same', 'id');
    await layers.build('same', [], script, LIMIT);
    expect(await read('same', 'id')).toBe(id);
    expect(await names()).toEqual(['same']);
    await elsewhere.close();
  });

  it.each([
    ['fails', `touch ${BUILD_ROOT}/half; exit 3`, LIMIT],
    ['takes too long', `touch ${BUILD_ROOT}/half; sleep 60`, { timeoutMs: 500 }],
    ['is called off', `touch ${BUILD_ROOT}/half; sleep 60`, { ...LIMIT, signal: AbortSignal.timeout(500) }],
  ])('is not there at all when its build %s', async (_case, script, options) => {
    await expect(layers.build('never', [], script, options)).rejects.toThrow('Building the layer never');
    expect(await names()).toEqual([]);
    await layers.build('never', [], `touch ${BUILD_ROOT}/whole`, LIMIT);
    expect(await names()).toEqual(['never']);
  });
});
