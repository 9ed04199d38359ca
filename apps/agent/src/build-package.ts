import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SOURCE = path.resolve(import.meta.dirname, '../package');
/** One fixed time for all files, so that the same source gives the same package. */
const BUILD_TIME = new Date('2026-01-01T00:00:00Z');
const EXECUTABLE = new Set(['usr/bin/vouch-agent', 'DEBIAN/prerm']);

/** Builds the agent's Debian package with `dpkg-deb`; the same source gives the same bytes. */
export async function buildAgentPackage(target: string): Promise<void> {
  const tree = await fs.mkdtemp(path.join(os.tmpdir(), 'vouch-agent-'));
  try {
    await fs.cp(SOURCE, tree, { recursive: true });
    for (const entry of await fs.readdir(tree, { recursive: true, withFileTypes: true })) {
      const file = path.join(entry.parentPath, entry.name);
      const executable = entry.isDirectory() || EXECUTABLE.has(path.relative(tree, file));
      await fs.chmod(file, executable ? 0o755 : 0o644);
      await fs.utimes(file, BUILD_TIME, BUILD_TIME);
    }
    await fs.chmod(tree, 0o755);
    await fs.mkdir(path.dirname(target), { recursive: true });
    await run('dpkg-deb', ['--root-owner-group', '-Zgzip', '--build', tree, `${target}.part`], {
      env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', SOURCE_DATE_EPOCH: String(BUILD_TIME.getTime() / 1000) },
    });
    await fs.rename(`${target}.part`, target);
  } finally {
    await fs.rm(tree, { recursive: true, force: true });
  }
}
