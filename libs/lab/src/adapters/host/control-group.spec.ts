import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlGroup } from './control-group.js';

/** A directory stands in for a group that is ours. */
describe('a control group for a machine', () => {
  let parent: string;
  beforeEach(async () => {
    parent = await mkdtemp(path.join(tmpdir(), 'vouch-group-'));
  });
  afterEach(() => rm(parent, { recursive: true }));

  const create = async (offered: string, given: string): Promise<string> => {
    await writeFile(path.join(parent, 'cgroup.controllers'), offered);
    await writeFile(path.join(parent, 'cgroup.subtree_control'), given);
    const place = { directories: [path.join(parent, 'machine')], parent, v1: new Map<string, string>() };
    const limits = { memoryBytes: 1, processes: 1 };
    const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    // No kernel puts the files of a group into the directory, so it cannot be handed over.
    await expect(ControlGroup.create(place, owner, limits)).rejects.toThrow('cgroup.procs');
    return readFile(path.join(parent, 'cgroup.subtree_control'), 'utf8');
  };

  it.each([
    ['asks for a controller that is offered and not given yet', 'cpu memory pids', 'memory', '+pids\n'],
    ['asks for nothing that it has', 'cpu memory pids', 'memory pids', 'memory pids'],
    ['asks for nothing that is not offered', 'cpu', '', ''],
  ])('%s', async (_case, offered, given, asked) => {
    expect(await create(offered, given)).toBe(asked);
  });

  it('leaves nothing when it cannot be made', async () => {
    await create('', '');
    expect((await readdir(parent)).sort()).toEqual(['cgroup.controllers', 'cgroup.subtree_control']);
  });
});
