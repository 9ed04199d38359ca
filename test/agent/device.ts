import { execFile, type ChildProcess } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

const PACKAGE = path.resolve(import.meta.dirname, '../../apps/agent/package');

/**
 * What a device's own programs say, without a device: `shop-server` is installed, one service runs, one port is open.
 * `apt-get` does what apt does to files: it downloads what the repository holds, and notes what it installed.
 */
const PROGRAMS: Readonly<Record<string, string>> = {
  'dpkg-query': `
case "$*" in
  *db:Status-Status*shop-server) printf 'installed %s' "$(cat "$DEVICE/installed-version")" ;;
  *source:Package*) printf 'installed\\tshop-server\\t%s\\tamd64\\tshop\\t%s\\n' "$(cat "$DEVICE/installed-version")" "$(cat "$DEVICE/installed-version")" ;;
  *) exit 1 ;;
esac`,
  dpkg: `
case $1 in
  --print-architecture) echo amd64 ;;
  --audit) cat "$DEVICE/half-installed" 2> /dev/null || true ;;
  --force-confdef) rm -f "$DEVICE/half-installed" ;;
  *) exec /usr/bin/dpkg "$@" ;;
esac`,
  // It takes some hundredths of a second to start, on a customer's server, with every look.
  jq: `
echo started >> "$DEVICE/jq-starts"
exec /usr/bin/jq "$@"`,
  systemctl: `
case $1 in
  is-system-running) cat "$DEVICE/system-state" ;;
  *) sed 's/$/ loaded active running x/' "$DEVICE/services" ;;
esac`,
  ss: `echo 'LISTEN 0 128 0.0.0.0:443 0.0.0.0:*'`,
  sleep: 'exit 0',
  date: `
case "$*" in
  +%s) echo $(($(/usr/bin/date +%s) + $(cat "$DEVICE/clock-ahead-seconds"))) ;;
  *) exec /usr/bin/date "$@" ;;
esac`,
  'apt-get': `
echo "$*" >> "$DEVICE/apt-calls"
for argument; do
  case $argument in
    Dir::State::lists=*) lists=\${argument#*=} ;;
    Dir::Cache::archives=*) archives=\${argument#*=} ;;
    update | install | --download-only) action=$argument ;;
    shop-server=*) version=\${argument#*=} ;;
  esac
done
case $action in
  update) cp "$DEVICE/repository/InRelease" "$lists/channel_InRelease" ;;
  --download-only) cp "$DEVICE/repository/"*.deb "$archives/" ;;
  install)
    touch "$DEVICE/install-began"
    [ ! -e "$DEVICE/slow-install" ] || /bin/sleep 2
    [ ! -e "$DEVICE/power-fails-at" ] || /bin/kill -KILL "$(cat "$DEVICE/power-fails-at")"
    printf %s "$version" > "$DEVICE/installed-version"
    cp "$DEVICE/services-afterwards" "$DEVICE/services"
    ;;
esac`,
};

export interface AgentRun {
  readonly exitCode: number;
  readonly output: string;
}

/** A directory that the agent takes for a device. */
export class Device {
  private constructor(readonly directory: string) {}

  static async create(): Promise<Device> {
    const device = new Device(await fs.mkdtemp(path.join(os.tmpdir(), 'vouch-device-')));
    for (const [name, script] of Object.entries(PROGRAMS)) {
      await device.write(`bin/${name}`, `#!/bin/bash\n${script}\n`);
      await fs.chmod(path.join(device.directory, 'bin', name), 0o755);
    }
    await device.write('installed-version', '1.0');
    await device.write('clock-ahead-seconds', '0');
    await device.write('system-state', 'running\n');
    await device.write('services', 'shop.service\n');
    await device.write('services-afterwards', 'shop.service\n');
    await device.write('repository/InRelease', 'the release file');
    await device.write('repository/shop-server_2.0_amd64.deb', 'the approved bytes');
    return device;
  }

  async remove(): Promise<void> {
    await fs.rm(this.directory, { recursive: true, force: true });
  }

  async write(file: string, text: string): Promise<void> {
    const target = path.join(this.directory, file);
    await fs.mkdir(path.dirname(target), { recursive: true });
    await fs.writeFile(target, text);
  }

  /** Text of a file of the device, or null. */
  async read(file: string): Promise<string | null> {
    return fs.readFile(path.join(this.directory, file), 'utf8').catch(() => null);
  }

  /** Runs the agent as it is shipped, to its end. */
  agent(...args: string[]): Promise<AgentRun> {
    return this.start(...args).ended;
  }

  /** Starts the agent; `stop` asks it to end as a service manager does. */
  start(...args: string[]): { pid: number; ended: Promise<AgentRun>; stop(): Promise<AgentRun> } {
    const env = {
      PATH: `${this.directory}/bin:/usr/bin:/bin`,
      DEVICE: this.directory,
      VOUCH_AGENT_LIB: path.join(PACKAGE, 'usr/lib/vouch-agent'),
      VOUCH_AGENT_ETC: path.join(this.directory, 'etc'),
      VOUCH_AGENT_STATE: path.join(this.directory, 'state'),
      VOUCH_AGENT_CACHE: path.join(this.directory, 'cache'),
      VOUCH_AGENT_PREFERENCES: path.join(this.directory, 'preferences'),
    };
    const program = path.join(PACKAGE, 'usr/bin/vouch-agent');
    let child = undefined as ChildProcess | undefined;
    const ended = new Promise<AgentRun>((resolve) => {
      child = execFile('bash', [program, ...args], { env }, (error, stdout, stderr) =>
        resolve({ exitCode: typeof error?.code === 'number' ? error.code : error ? 1 : 0, output: stdout + stderr }),
      );
    });
    return {
      pid: child?.pid ?? 0,
      ended,
      stop: () => {
        child?.kill('SIGTERM');
        return ended;
      },
    };
  }
}
