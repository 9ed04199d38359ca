import type { Component, FileChange, PackageChange } from '@vouch/contracts';
import { neededByFile } from './capabilities.js';

type Installed = Pick<Component, 'package' | 'version' | 'architecture'>;

/** Packages that were added, changed or removed, in the order of their names. A foreign architecture is part of the name. */
export function packageDiff(before: readonly Installed[], after: readonly Installed[]): PackageChange[] {
  const from = versions(before);
  const to = versions(after);
  return [...new Set([...from.keys(), ...to.keys()])]
    .filter((name) => from.get(name) !== to.get(name))
    .sort()
    .map((name) => ({ package: name, from: from.get(name) ?? null, to: to.get(name) ?? null }));
}

/** A package of a second architecture keeps its own line. */
function versions(components: readonly Installed[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { package: name, version, architecture } of components) {
    found.set(found.has(name) ? `${name}:${architecture}` : name, version);
  }
  return found;
}

/** What a machine has written over its golden: by path, the kind (find(1)'s `%y`) and a stamp that changes with every write. */
export type WrittenFiles = ReadonlyMap<string, { readonly kind: string; readonly stamp: string }>;

const KINDS: Readonly<Record<string, string>> = {
  f: 'file',
  l: 'link',
  d: 'directory',
  s: 'socket',
  p: 'pipe',
  c: 'device',
};

/**
 * Files written between two looks at an overlay's upper directory. Directories are left out, since they change with
 * what is in them. A character device is overlayfs's mark of a removed file (kernel documentation, overlayfs.rst).
 * @param limit more changes than this are cut off, those that change how a machine starts last
 */
export function fileDiff(before: WrittenFiles, after: WrittenFiles, limit = 20_000): FileChange[] {
  const changes: FileChange[] = [];
  for (const [path, { kind, stamp }] of after) {
    const old = before.get(path);
    if (kind === 'd' || (old?.kind === kind && old.stamp === stamp)) continue;
    const removed = kind === 'c';
    changes.push({
      path,
      change: removed ? 'removed' : 'added-or-changed',
      kind: removed ? 'file' : (KINDS[kind] ?? kind),
    });
  }
  for (const [path, { kind }] of before) {
    if (kind !== 'd' && kind !== 'c' && !after.has(path))
      changes.push({ path, change: 'removed', kind: KINDS[kind] ?? kind });
  }
  changes.sort((a, b) => (a.path < b.path ? -1 : 1));
  if (changes.length <= limit) return changes;
  const isSpecial = (file: FileChange): boolean => neededByFile(file).length > 0;
  return [...changes.filter(isSpecial), ...changes.filter((file) => !isSpecial(file))].slice(0, limit);
}
