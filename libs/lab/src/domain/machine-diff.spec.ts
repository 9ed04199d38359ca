import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileDiff, packageDiff } from './machine-diff.js';

const component = (name: string, version: string, architecture = 'amd64') => ({
  package: name,
  version,
  architecture,
  source: name,
  sourceVersion: version,
});
const file = (stamp: string, kind = 'f') => ({ kind, stamp });

describe('packageDiff', () => {
  it('names what came, changed and went', () => {
    const before = [component('a', '1'), component('b', '1'), component('c', '1')];
    const after = [component('a', '1'), component('b', '2'), component('d', '1')];
    expect(packageDiff(before, after)).toEqual([
      { package: 'b', from: '1', to: '2' },
      { package: 'c', from: '1', to: null },
      { package: 'd', from: null, to: '1' },
    ]);
  });

  it('tells the architectures of one package apart', () => {
    const before = [component('libc6', '1'), component('libc6', '1', 'i386')];
    const after = [component('libc6', '1'), component('libc6', '2', 'i386')];
    expect(packageDiff(before, after)).toEqual([{ package: 'libc6:i386', from: '1', to: '2' }]);
  });

  it('finds nothing between a machine and itself', () => {
    const machine = fc.array(fc.record({ name: fc.string(), version: fc.string() }));
    fc.assert(
      fc.property(machine, (packages) => {
        const components = packages.map(({ name, version }) => component(name, version));
        expect(packageDiff(components, components)).toEqual([]);
      }),
    );
  });
});

describe('fileDiff', () => {
  it('tells written from removed, and leaves out what was there before the patch', () => {
    const before = new Map([
      ['/var/log/x', file('1 1')],
      ['/etc/old', file('1 1')],
      ['/etc/gone', file('1 1')],
    ]);
    const after = new Map([
      ['/etc', file('2 2', 'd')],
      ['/etc/old', file('2 9')],
      ['/etc/new', file('2 2', 'l')],
      ['/usr/bin/x', file('2 0', 'c')],
      ['/var/log/x', file('1 1')],
    ]);
    expect(fileDiff(before, after)).toEqual([
      { path: '/etc/gone', change: 'removed', kind: 'file' },
      { path: '/etc/new', change: 'added-or-changed', kind: 'link' },
      { path: '/etc/old', change: 'added-or-changed', kind: 'file' },
      { path: '/usr/bin/x', change: 'removed', kind: 'file' },
    ]);
  });

  it('keeps what changes how a machine starts when it is cut off', () => {
    const after = new Map(['/a', '/b', '/usr/lib/modules/6.1/x.ko'].map((path) => [path, file('1 1')]));
    expect(fileDiff(new Map(), after, 2).map(({ path }) => path)).toEqual(['/usr/lib/modules/6.1/x.ko', '/a']);
  });

  it('stops at its limit', () => {
    const after = new Map(['/a', '/b', '/c'].map((path) => [path, file('1 1')]));
    expect(fileDiff(new Map(), after, 2).map(({ path }) => path)).toEqual(['/a', '/b']);
  });
});
