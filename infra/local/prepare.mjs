import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '../..');
const MINIMUM_NODE = [20, 19];

export class SetupError extends Error {}

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor < MINIMUM_NODE[1])) {
    throw new SetupError(`Node ${MINIMUM_NODE.join('.')} or newer is needed; this is ${process.versions.node}.`);
  }
  if (process.platform !== 'linux') throw new SetupError('Vouch runs on Debian or Ubuntu Linux.');
}

function run(argv, { quiet = false, env = process.env } = {}) {
  const [program, ...args] = argv;
  return spawnSync(program, args, { cwd: root, env, stdio: quiet ? 'pipe' : 'inherit', encoding: 'utf8' });
}

/** Like `run`, while something else goes on. @returns the exit status, and what it said as far as it is not shown */
function runBeside(argv, { quiet = false, env = process.env } = {}) {
  const [program, ...args] = argv;
  const child = spawn(program, args, { cwd: root, env, stdio: quiet ? ['ignore', 'ignore', 'pipe'] : 'inherit' });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text) => (stderr += text));
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ status: 1, stderr: error.message }));
    child.once('close', (status) => resolve({ status, stderr }));
  });
}

/**
 * Everything that a clone needs before it can run: packages from npm and from the system, at the same time, and the build.
 * @returns the sentence for somebody who has to install system packages by hand, or null
 */
export async function prepare(say, forWhat = {}) {
  const dependencies = installDependencies(say).then(() => build(say));
  const [built, advice] = await Promise.allSettled([dependencies, installSystemPackages(say, forWhat)]);
  for (const each of [built, advice]) if (each.status === 'rejected') throw each.reason;
  return advice.value;
}

/** Installs the npm dependencies when they are missing or older than the lock file. */
async function installDependencies(say) {
  const marker = path.join(root, 'node_modules/.package-lock.json');
  const lock = path.join(root, 'package-lock.json');
  if (fs.existsSync(marker) && fs.statSync(marker).mtimeMs >= fs.statSync(lock).mtimeMs) return;
  if (fs.existsSync(marker) && sameLock(marker, lock)) return;
  say('installing dependencies');
  const result = await runBeside(['npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    env: { ...process.env, SCARF_ANALYTICS: 'false' },
  });
  if (result.status !== 0) throw new SetupError('npm ci failed; what it said stands above.');
}

/** A fresh checkout gives the lock file a new date without changing it. */
function sameLock(marker, lock) {
  const versions = (file) =>
    Object.entries(JSON.parse(fs.readFileSync(file, 'utf8')).packages)
      .filter(([name, entry]) => name.startsWith('node_modules/') && !entry.link)
      .map(([name, entry]) => `${name} ${entry.version}`);
  const installed = new Set(versions(marker));
  const optional = JSON.parse(fs.readFileSync(lock, 'utf8')).packages;
  return versions(lock).every(
    (line) => installed.has(line) || optional[line.split(' ')[0]].optional || optional[line.split(' ')[0]].peer,
  );
}

const onPath = (program) =>
  [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/bin', '/bin'].some((folder) =>
    fs.existsSync(path.join(folder, program)),
  );

/** Programs that the lab needs, and the Debian package of each. */
const LAB_PACKAGES = {
  mmdebstrap: 'mmdebstrap',
  newuidmap: 'uidmap',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  ip: 'iproute2',
  gpgv: 'gpgv',
};
/** What machines with kernels of their own need, on a hypervisor or without one. */
const MACHINE_PACKAGES = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  mke2fs: 'e2fsprogs',
  libvirtd: 'libvirt-daemon-system',
  virsh: 'libvirt-clients',
};
/** What the tests use on top: a browser, independent programs to compare with, other people's attack tools. */
const TEST_PACKAGES = {
  chromium: 'chromium',
  virsh: 'libvirt-clients',
  'apt-ftparchive': 'apt-utils',
  'dpkg-deb': 'dpkg',
  openssl: 'openssl',
  curl: 'curl',
  jq: 'jq',
  shellcheck: 'shellcheck',
  xz: 'xz-utils',
  'pkcs11-tool': 'opensc',
  'softhsm2-util': 'softhsm2',
  ffuf: 'ffuf',
  wfuzz: 'wfuzz',
  sqlmap: 'sqlmap',
  wapiti: 'wapiti',
};

/**
 * Brings the system packages that are missing, as root. Others are told the one command, and go on with what works.
 * @returns the sentence for somebody who has to install them by hand, or null
 */
export async function installSystemPackages(say, { forTests = false, forMachines = false } = {}) {
  const wanted = {
    ...LAB_PACKAGES,
    ...(forTests ? TEST_PACKAGES : {}),
    ...(forMachines ? MACHINE_PACKAGES : {}),
  };
  const missing = [...new Set(Object.entries(wanted).flatMap(([program, name]) => (onPath(program) ? [] : [name])))];
  const noLists =
    !fs.existsSync('/var/lib/apt/lists') ||
    !fs.readdirSync('/var/lib/apt/lists').some((name) => name.endsWith('_InRelease'));
  if (missing.length === 0 && !noLists) return null;
  if (process.getuid() !== 0) {
    if (missing.length === 0) return null;
    return `The lab needs some packages that are not installed. Run: sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  }
  say(
    missing.length > 0
      ? `installing system packages: ${missing.join(', ')}`
      : 'reading the package lists of this machine',
  );
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await runBeside(['apt-get', 'update', '-q'], { quiet: true, env });
  if (missing.length === 0) return null;
  const fonts = missing.includes('chromium') ? ['fonts-liberation'] : [];
  const result = await runBeside(['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...missing, ...fonts], {
    quiet: true,
    env,
  });
  if (result.status === 0) return null;
  return `apt-get could not install ${missing.join(', ')}: ${result.stderr.trim().split('\n').at(-1)}`;
}

/** Compiles what changed since the last time. */
export function build(say) {
  say('building');
  const tsc = run([process.execPath, 'node_modules/typescript/bin/tsc', '-b']);
  if (tsc.status !== 0) throw new SetupError('The build failed; what the compiler said stands above.');
  buildConsole();
}

/** Builds the package that machines get their agent from, where the API serves it. */
export function buildAgent(dataDir) {
  const target = path.join(dataDir, 'agent/vouch-agent.deb');
  const { status, stderr } = run([process.execPath, 'apps/agent/dist/main.js', target], { quiet: true });
  if (status !== 0) throw new SetupError(`The agent's package could not be built: ${stderr}`);
}

function newest(folder) {
  return Math.max(
    0,
    ...fs
      .readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/node_modules|dist/.test(entry.parentPath))
      .map((entry) => fs.statSync(path.join(entry.parentPath, entry.name)).mtimeMs),
  );
}

function buildConsole() {
  const folder = path.join(root, 'apps/console');
  if (!fs.existsSync(path.join(folder, 'index.html'))) return;
  const page = path.join(folder, 'dist/index.html');
  if (fs.existsSync(page) && fs.statSync(page).mtimeMs > newest(folder)) return;
  const vite = run([process.execPath, 'node_modules/vite/bin/vite.js', 'build', 'apps/console', '--logLevel', 'warn']);
  if (vite.status !== 0) throw new SetupError('The console could not be built; what vite said stands above.');
}
