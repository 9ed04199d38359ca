import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildAgentPackage } from './build-package.js';

describe('the agent’s package', () => {
  let folder: string;
  let file: string;

  beforeAll(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-package-'));
    file = path.join(folder, 'one.deb');
    await buildAgentPackage(file);
  });
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  it('is the same byte for byte whenever and wherever it is built', async () => {
    const second = path.join(folder, 'elsewhere', 'two.deb');
    await buildAgentPackage(second);
    expect(fs.readFileSync(second).equals(fs.readFileSync(file))).toBe(true);
  });

  it('holds the program, its parts and its service, all root’s, and only the program can be run', () => {
    const list = execFileSync('dpkg-deb', ['--contents', file], { encoding: 'utf8' }).trim().split('\n');
    const files = list.map((line) => line.split(/\s+/)).filter(([mode]) => mode?.startsWith('-'));
    expect(files.map(([mode, owner, , , , name]) => `${mode} ${owner} ${name}`).sort()).toEqual([
      '-rw-r--r-- root/root ./lib/systemd/system/vouch-agent.service',
      '-rw-r--r-- root/root ./usr/lib/vouch-agent/begun.sh',
      '-rw-r--r-- root/root ./usr/lib/vouch-agent/http.sh',
      '-rw-r--r-- root/root ./usr/lib/vouch-agent/install.sh',
      '-rw-r--r-- root/root ./usr/lib/vouch-agent/machine.sh',
      '-rw-r--r-- root/root ./usr/lib/vouch-agent/manifest.sh',
      '-rw-r--r-- root/root ./usr/lib/vouch-agent/trust.sh',
      '-rwxr-xr-x root/root ./usr/bin/vouch-agent',
    ]);
  });

  it('leaves nothing but the package behind', () => {
    expect(fs.readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});
