import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { startChild, stopChild, tail } from './child.mjs';
import { freePort, waitForPort } from './ports.mjs';

function onPath(program) {
  return (process.env.PATH ?? '')
    .split(':')
    .concat('/usr/bin', '/usr/sbin')
    .map((folder) => path.join(folder, program))
    .find((file) => fs.existsSync(file));
}

/** A Redis (or Valkey) of the machine, or else the distribution's package unpacked into our own folder, without root. */
function findRedis(dir) {
  const installed = onPath('redis-server') ?? onPath('valkey-server');
  if (installed) return { program: installed, env: process.env };
  return unpackedRedis(path.join(dir, 'unpacked'));
}

/** Redis out of the distribution's packages, in a folder, without installing anything. */
export function unpackedRedis(folder) {
  if (!fs.existsSync(folder)) unpack(folder);
  const libraries = ['usr/lib', 'lib']
    .map((name) => path.join(folder, name))
    .filter((name) => fs.existsSync(name))
    .flatMap((name) => fs.readdirSync(name, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && entry.name.includes('-linux-'))
    .map((entry) => path.join(entry.parentPath, entry.name));
  return {
    program: path.join(folder, 'usr/bin/redis-server'),
    env: { ...process.env, LD_LIBRARY_PATH: libraries.join(':') },
  };
}

function unpack(folder) {
  const part = `${folder}.part`;
  fs.rmSync(part, { recursive: true, force: true });
  fs.mkdirSync(path.join(part, 'packages'), { recursive: true });
  const packages = path.join(part, 'packages');
  // As root, apt downloads as another user, who has to be able to write here.
  fs.chmodSync(packages, 0o777);
  try {
    const plan = ['--simulate', '--no-install-recommends', '--reinstall', 'install', 'redis-server', 'redis-tools'];
    const simulated = execFileSync('apt-get', plan, { encoding: 'utf8', stdio: 'pipe' });
    const missing = [...simulated.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name);
    execFileSync('apt-get', ['download', ...missing], { cwd: packages, stdio: 'pipe' });
  } catch (error) {
    throw new Error(
      `No redis-server is installed, and its package cannot be fetched (${String(error.stderr ?? error.message).trim()}). Install redis-server, or set REDIS_URL.`,
      { cause: error },
    );
  }
  for (const file of fs.readdirSync(packages)) {
    execFileSync('dpkg-deb', ['--extract', path.join(packages, file), part]);
  }
  fs.rmSync(packages, { recursive: true });
  fs.renameSync(part, folder);
}

/**
 * Starts a Redis of our own on 127.0.0.1, with its data in `dir`.
 * @param {{ dir: string, port?: number }} options
 * @returns {Promise<{ url: string, pid: number, stop(): Promise<void> }>}
 */
export async function startRedis({ dir, port }) {
  fs.mkdirSync(dir, { recursive: true });
  const { program, env } = findRedis(dir);
  const chosen = port ?? (await freePort());
  const log = path.join(dir, 'log');
  const settings = [
    '--port',
    String(chosen),
    '--bind',
    '127.0.0.1',
    '--dir',
    dir,
    '--appendonly',
    'yes',
    '--maxmemory-policy',
    'noeviction',
    '--save',
    '',
  ];
  const child = startChild([program, ...settings], { log, env });
  const alive = () => child.exitCode === null && child.signalCode === null;
  await waitForPort(chosen, { alive }).catch(() => {
    throw new Error(`Redis did not start:\n${tail(log)}`);
  });
  return { url: `redis://127.0.0.1:${chosen}`, pid: child.pid, stop: () => stopChild(child) };
}
