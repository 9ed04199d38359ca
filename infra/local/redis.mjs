import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { startChild, stopChild, tail } from './child.mjs';
import { freePort, waitForPort } from './ports.mjs';

const PACKAGES = [
  'redis-server',
  'redis-tools',
  'liblzf1',
  'libjemalloc2',
  'libatomic1',
  'libhiredis0.14',
  'liblua5.1-0',
  'lua-cjson',
  'lua-bitop',
];

function onPath(program) {
  return (process.env.PATH ?? '')
    .split(':')
    .concat('/usr/bin', '/usr/sbin')
    .map((folder) => path.join(folder, program))
    .find((file) => fs.existsSync(file));
}

/** A Redis (or Valkey) of the machine, or else the distribution's package unpacked into our own folder, without root. */
export function findRedis(dir) {
  const installed = onPath('redis-server') ?? onPath('valkey-server');
  if (installed) return { program: installed, env: process.env };
  const unpacked = path.join(dir, 'unpacked');
  const program = path.join(unpacked, 'usr/bin/redis-check-rdb');
  if (!fs.existsSync(program)) unpack(dir, unpacked);
  const libraries = execFileSync(
    'sh',
    ['-c', 'ls -d "$1"/usr/lib/*/ "$1"/lib/*/ 2>/dev/null || true', 'sh', unpacked],
    { encoding: 'utf8' },
  );
  return {
    program,
    env: { ...process.env, LD_LIBRARY_PATH: libraries.trim().split('\n').join(':') },
    argv0: 'redis-server',
  };
}

function unpack(dir, unpacked) {
  const downloads = path.join(dir, 'downloads');
  fs.mkdirSync(downloads, { recursive: true });
  fs.chmodSync(downloads, 0o777);
  for (const name of PACKAGES) {
    try {
      execFileSync('apt-get', ['download', name], { cwd: downloads, stdio: 'pipe' });
    } catch (error) {
      // Not every release has every library; a missing one shows when the server is started.
      if (name.startsWith('redis')) {
        throw new Error(
          `No redis-server is installed and its package cannot be fetched: ${String(error.stderr).trim()}`,
          { cause: error },
        );
      }
    }
  }
  fs.rmSync(unpacked, { recursive: true, force: true });
  for (const file of fs.readdirSync(downloads).filter((name) => name.endsWith('.deb'))) {
    execFileSync('dpkg-deb', ['-x', path.join(downloads, file), unpacked]);
  }
}

/**
 * Starts a Redis of our own on 127.0.0.1, with its data in `dir`.
 * @returns {Promise<{ url: string, pid: number, stop(): Promise<void> }>}
 */
export async function startRedis({ dir, port }) {
  fs.mkdirSync(dir, { recursive: true });
  const { program, env, argv0 } = findRedis(dir);
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
  // One binary is server and tools: what it is depends on the name that it is called by.
  const argv = argv0 ? ['bash', '-c', `exec -a ${argv0} "$0" "$@"`, program, ...settings] : [program, ...settings];
  const child = startChild(argv, { log, env });
  const alive = () => child.exitCode === null && child.signalCode === null;
  await waitForPort(chosen, { alive }).catch(() => {
    throw new Error(`Redis did not start:\n${tail(log)}`);
  });
  return { url: `redis://127.0.0.1:${chosen}`, pid: child.pid, stop: () => stopChild(child) };
}
