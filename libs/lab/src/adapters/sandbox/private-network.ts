import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, Server, type Socket } from 'node:net';
import { SYSTEM_PATH } from './layer-store.js';
import { firstLineOf } from '../host/first-line.js';
import { mustRun } from '../host/run-command.js';
import { UserNamespace } from './user-namespace.js';

/** The kernel refuses a bridge or a virtual network card inside a user namespace. */
export class PrivateNetworkRefused extends Error {
  readonly code = 'private-network-refused';
  constructor(detail: string) {
    super(`No private network can be made for machines (${detail}): load the kernel modules bridge and veth.`);
    this.name = 'PrivateNetworkRefused';
  }
}

/** A door from a private network to one address outside. */
export interface Gateway {
  close(): Promise<void>;
}

/** Address of the private network's gateway, in a range that RFC 1918 sets aside. */
export const GATEWAY_ADDRESS = '10.77.0.1';
const PREFIX_LENGTH = 24;
/** Given, since a bridge's own changes when machines come and go, and those that stay would send to one that is gone. */
const GATEWAY_CARD = '02:00:0a:4d:00:01';

const BRIDGE_SCRIPT = `set -eu
ip link set lo up
ip link add br0 address ${GATEWAY_CARD} type bridge
ip address add ${GATEWAY_ADDRESS}/${PREFIX_LENGTH} dev br0
ip link set br0 up
echo ready
exec cat > /dev/null
`;

/** Opens a listening socket where it is run, hands it to its parent and ends. */
const LISTEN_SCRIPT = `const [port, host] = process.argv.slice(1);
const server = require('node:net').createServer();
server.once('error', (error) => process.send(String(error), () => process.exit(1)));
server.listen(Number(port), host, () => process.send('listening', server, () => process.exit(0)));`;

/**
 * A network for machines, in namespaces of its own: nothing on the host's network changes. Machines reach the gateway's
 * open ports and nothing else, not even each other.
 */
export class PrivateNetwork {
  private constructor(
    /** Owner of the network; its machines share it, since only an owner may give them a network card. */
    readonly namespace: UserNamespace,
    private readonly holder: ChildProcess,
  ) {}

  /** @throws PrivateNetworkRefused, UserNamespaceRefused, NoSubordinateIds */
  static async open(directory: string): Promise<PrivateNetwork> {
    const namespace = await UserNamespace.open(directory);
    const [program = '', ...args] = namespace.enter([
      'env',
      `PATH=${SYSTEM_PATH}`,
      'unshare',
      '--net',
      'sh',
      '-c',
      BRIDGE_SCRIPT,
    ]);
    const holder = spawn(program, args, { cwd: directory, stdio: ['pipe', 'pipe', 'pipe'] });
    try {
      await firstLineOf(holder, 'ready');
    } catch (error) {
      await namespace.close();
      throw new PrivateNetworkRefused(error instanceof Error ? error.message : String(error));
    }
    return new PrivateNetwork(namespace, holder);
  }

  /** The address of the n-th machine (from 1 to 253), with its prefix length. */
  static address(n: number): string {
    if (!Number.isInteger(n) || n < 1 || n > 253) throw new RangeError('A private network has places 1 to 253.');
    return `10.77.0.${n + 1}/${PREFIX_LENGTH}`;
  }

  /**
   * Gives a machine a network card, `eth0`, that leads to the gateway only. It goes when the machine ends.
   * @param pid a process in the machine's network namespace
   */
  async connect(pid: number, machine: string): Promise<void> {
    const port = `v${createHash('sha256').update(machine).digest('hex').slice(0, 12)}`;
    const script = `ip link add "$1" type veth peer name eth0 netns "$2"
ip link set "$1" master br0
ip link set "$1" type bridge_slave isolated on
ip link set "$1" up`;
    const enter = [
      'nsenter',
      '--target',
      String(this.holder.pid),
      '--user',
      '--net',
      '--',
      'env',
      `PATH=${SYSTEM_PATH}`,
    ];
    await mustRun(`Connecting ${machine}`, [...enter, 'sh', '-eu', '-c', script, 'sh', port, String(pid)]);
  }

  /**
   * Opens a TCP port of the gateway and forwards it to an address that this process can reach. The socket is made inside
   * the network and handed out, so that no program has to run in there.
   * @throws PrivateNetworkRefused
   */
  async openGateway(port: number, target: { readonly host: string; readonly port: number }): Promise<Gateway> {
    // Root stays itself, since the node program may lie where nobody else can read; an ordinary user has to be the owner.
    const user = process.getuid?.() === 0 ? [] : ['--user'];
    const enter = ['--target', String(this.holder.pid), ...user, '--net', '--'];
    const child = spawn('nsenter', [...enter, process.execPath, '-e', LISTEN_SCRIPT, String(port), GATEWAY_ADDRESS], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const server = await new Promise<Server>((resolve, reject) => {
      child.once('message', (message, handle) => {
        if (handle instanceof Server) resolve(handle);
        else reject(new PrivateNetworkRefused(String(message)));
      });
      child.once('error', reject);
      child.once('exit', () => setImmediate(reject, new PrivateNetworkRefused('its listener ended at once')));
    });
    const open = new Set<Socket>();
    server.on('connection', (inside: Socket) => {
      const outside = connect(target.port, target.host);
      for (const [socket, other] of [
        [inside, outside],
        [outside, inside],
      ] as const) {
        open.add(socket);
        socket.pipe(other);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          open.delete(socket);
          other.destroy();
        });
      }
    });
    return {
      close: async () => {
        const closed = once(server, 'close');
        server.close();
        for (const socket of open) socket.destroy();
        await closed;
      },
    };
  }

  /** Ends the network; its machines have to be released before. */
  async close(): Promise<void> {
    const ended = this.holder.exitCode === null && this.holder.signalCode === null ? once(this.holder, 'exit') : null;
    this.holder.kill('SIGKILL');
    await ended;
    await this.namespace.close();
  }
}
