import { copyFile, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  BUILD_ROOT,
  collectGoldens,
  GoldenBuilder,
  LayerStore,
  Machine,
  SandboxHost,
  type Golden,
  type VmGolden,
} from '@vouch/lab';
import { sha256Hex } from '@vouch/platform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_LAB } from './lab-fixture.js';

const LIMIT = { timeoutMs: 30_000 };
const DAY = 86_400_000;
const profile = { name: 'p', title: 'P', stream: 's', components: [{ package: 'x' }], files: [], seed: [], probes: [] };

describe.skipIf(NO_LAB)('goldens that nobody wants', () => {
  let directory: string;
  let host: SandboxHost;
  let layers: LayerStore;
  const gone: object[] = [];
  beforeEach(async () => {
    gone.length = 0;
    directory = await mkdtemp(path.join(tmpdir(), 'vouch-collect-'));
    host = await SandboxHost.open(directory);
    layers = new LayerStore(host);
    await layers.build('base', [], `cd ${BUILD_ROOT} && mkdir -p etc dev proc sys run tmp var root`, LIMIT);
    await mkdir(path.join(directory, 'goldens'));
  });
  afterEach(async () => {
    await host.close();
    await rm(directory, { recursive: true, force: true });
  });

  const collect = (wanted: string[] = []): Promise<string[]> =>
    collectGoldens(host, {
      wanted: new Set(wanted.map(sha256Hex)),
      unusedMs: 14 * DAY,
      now: new Date(),
      onGone: (golden) => gone.push(golden),
    });
  const age = (days: number, ...parts: string[]): Promise<void> => {
    const then = new Date(Date.now() - days * DAY);
    return utimes(path.join(directory, ...parts), then, then);
  };
  /** A golden on a layer of its own over the base, as its builder records it. @returns its digest */
  async function golden(name: string, unusedDays: number): Promise<string> {
    await layers.build(name, ['base'], `touch ${BUILD_ROOT}/${name}`, LIMIT);
    const digest = sha256Hex(`golden ${name}`);
    const record: Golden = {
      digest,
      profileDigest: sha256Hex(name),
      profile: { ...profile, name },
      layers: [name, 'base'],
      components: [],
      services: [],
      buildMilliseconds: 1,
    };
    await writeFile(path.join(directory, 'goldens', `${name}.json`), JSON.stringify(record));
    await age(unusedDays, 'goldens', `${name}.json`);
    for (const layer of [name, 'base']) await age(100, 'layers', layer);
    return digest;
  }

  it('are removed with their layers when they were not used for long, and nothing else is', async () => {
    await golden('wanted', 90);
    await golden('recent', 13);
    await golden('old', 15);
    expect(await collect(['wanted'])).toEqual(['goldens/old.json', 'layers/old']);
    expect(await layers.names()).toEqual(['base', 'recent', 'wanted']);
    expect((await readdir(path.join(directory, 'goldens'))).sort()).toEqual(['recent.json', 'wanted.json']);
    expect(await collect(['wanted'])).toEqual([]);
    expect(gone).toEqual([{ profileDigest: sha256Hex('old'), driver: 'sandbox' }]);
  });

  it('are gone for the server only when no other golden of the profile is left', async () => {
    await golden('twice', 15);
    const records = path.join(directory, 'goldens');
    await copyFile(path.join(records, 'twice.json'), path.join(records, 'twice-without-systemd.json'));
    expect(await collect()).toEqual(['goldens/twice.json']);
    expect(gone).toEqual([]);
  });

  it('of machines with a kernel keep every layer that they were made of, until they go', async () => {
    const stack = ['image', 'machine', 'services'];
    for (const name of stack) {
      await layers.build(name, ['base'], `touch ${BUILD_ROOT}/${name}`, LIMIT);
      await age(100, 'layers', name);
    }
    await age(100, 'layers', 'base');
    const [image = '', ...below] = stack;
    const folder = path.join(directory, 'vm-goldens', 'one');
    await mkdir(folder, { recursive: true });
    const record: VmGolden = {
      digest: sha256Hex('vm'),
      engine: 'QEMU emulator version 7',
      accelerator: 'tcg',
      profileDigest: sha256Hex('vm'),
      profile,
      folder: 'one',
      image,
      layers: [...below, 'base'],
      components: [],
      services: [],
      buildMilliseconds: 1,
    };
    await writeFile(path.join(folder, 'golden.json'), JSON.stringify(record));
    expect(await collect()).toEqual([]);
    await age(15, 'vm-goldens', 'one', 'golden.json');
    expect(await collect()).toEqual(['vm-goldens/one', 'layers/base', ...stack.map((name) => `layers/${name}`)]);
    expect(gone).toEqual([{ profileDigest: sha256Hex('vm'), driver: 'qemu' }]);
  });

  it('take the base with them when nothing stands on it any more; it is built anew for the next', async () => {
    await golden('last', 15);
    expect(await collect()).toEqual(['goldens/last.json', 'layers/base', 'layers/last']);
    await layers.build('base', [], `touch ${BUILD_ROOT}/again`, LIMIT);
    expect(await readdir(path.join(directory, LayerStore.filesOf('base')))).toEqual(['again']);
  });

  it('stay when somebody has just asked for them', async () => {
    const digest = await golden('asked', 15);
    expect((await new GoldenBuilder(host).find(digest))?.layers).toEqual(['asked', 'base']);
    expect(await collect()).toEqual([]);
  });

  it('leave the layers that a machine stands on which lasts, also while it is off', async () => {
    await golden('old', 15);
    const options = { name: 'lasting', layers: ['old', 'base'], storage: { kind: 'kept' } as const };
    const machine = await Machine.restore(host, options);
    await machine.release();
    for (const layer of ['old', 'base']) await age(100, 'layers', layer);
    expect(await collect()).toEqual(['goldens/old.json']);
    await machine.discard();
    expect(await collect()).toEqual(['layers/base', 'layers/old']);
  });

  it('leave all layers while it is unknown what a lasting machine stands on', async () => {
    await golden('old', 15);
    await host.files.mustRun('Making a machine of an earlier version', ['mkdir', 'machines/unknown']);
    expect(await collect()).toEqual(['goldens/old.json']);
    expect(await layers.names()).toEqual(['base', 'old']);
  });

  it('go with half-made ones of machines with a kernel, and with what control runs saw long ago', async () => {
    for (const folder of ['vm-goldens/.part-x', 'controls'])
      await mkdir(path.join(directory, folder), { recursive: true });
    for (const name of ['a', 'b']) await writeFile(path.join(directory, 'controls', `${name}.json`), '{}');
    await age(15, 'controls', 'a.json');
    await age(15, 'vm-goldens', '.part-x');
    expect(await collect()).toEqual(['vm-goldens/.part-x', 'controls/a.json']);
  });
});
