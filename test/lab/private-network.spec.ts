import { createServer, type Server } from 'node:http';
import { GATEWAY_ADDRESS, Machine, PrivateNetwork, type Gateway } from '@vouch/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_LAB, openLab, type Lab } from './lab-fixture.js';
import { sh } from './shell.js';

const PORT = 8443;

describe.skipIf(NO_LAB)('machines in a private network', () => {
  let lab: Lab;
  let network: PrivateNetwork;
  let gateway: Gateway;
  let server: Server;
  let before: string;
  const machines: Machine[] = [];

  beforeAll(async () => {
    lab = await openLab();
    before = await hostNetwork();
    server = createServer((request, response) => {
      setTimeout(() => response.end(`${request.url} from outside`), request.url === '/slow' ? 300 : 0);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    network = await PrivateNetwork.open(lab.host.directory);
    gateway = await network.openGateway(PORT, { host: '127.0.0.1', port });
    for (const n of [1, 2]) machines.push(await startMachine(n));
  });
  afterAll(async () => {
    for (const machine of machines) await machine.discard();
    await gateway?.close();
    await network?.close();
    await lab?.close();
    await new Promise((resolve) => server.close(resolve));
  });

  function startMachine(n: number): Promise<Machine> {
    return Machine.start(lab.host, {
      name: `network-${n}-${process.pid}`,
      layers: lab.golden.layers,
      storage: { kind: 'kept' },
      network: { in: network, address: PrivateNetwork.address(n) },
    });
  }

  it('reach the server through the gateway, several at once', async () => {
    const ask = async (n: number, path: string): Promise<string> => {
      const answer = await machines[n]?.exec(['timeout', '10', 'bash', '-c', get(GATEWAY_ADDRESS, PORT, path)]);
      return answer?.stdout.split('\n').at(-1) ?? '';
    };
    const answers = await Promise.all([ask(0, '/slow'), ask(0, '/a'), ask(1, '/b')]);
    expect(answers).toEqual(['/slow from outside', '/a from outside', '/b from outside']);
  });

  it.each([
    ['another port of the gateway', GATEWAY_ADDRESS, 22],
    ['each other', '10.77.0.3', 80],
    ['the world', '192.0.2.1', 80],
    ['the host', '127.0.0.1', PORT],
  ])('do not reach %s', async (_what, host, port) => {
    const tried = await machines[0]?.exec(['timeout', '3', 'bash', '-c', get(host, port, '/')]);
    expect(tried?.exitCode).not.toBe(0);
  });

  // A bridge takes the lowest address of its cards for its own, unless it has one: others would send to one that is gone.
  it('reach the server also while others come and go', async () => {
    const ask = ['timeout', '5', 'bash', '-c', get(GATEWAY_ADDRESS, PORT, '/meanwhile')];
    for (const [leaves, stays] of [
      [machines[0], machines[1]],
      [machines[1], machines[0]],
    ] as const) {
      expect((await stays?.exec(ask))?.stdout).toContain('/meanwhile from outside');
      await leaves?.reboot();
      expect((await stays?.exec(ask))?.stdout).toContain('/meanwhile from outside');
    }
  });

  it('keep what they wrote, and their network, over a restart and over a new start', async () => {
    await machines[0]?.put('/etc/kept', 'still here');
    await machines[0]?.reboot();
    expect(await machines[0]?.get('/etc/kept')).toBe('still here');
    await machines[0]?.stop();
    await machines[0]?.release();
    machines[0] = await startMachine(1);
    expect(await machines[0].get('/etc/kept')).toBe('still here');
    const answer = await machines[0].exec(['timeout', '10', 'bash', '-c', get(GATEWAY_ADDRESS, PORT, '/again')]);
    expect(answer.stdout).toContain('/again from outside');
  });

  it('leave the host’s network as it was', async () => {
    expect(await hostNetwork()).toBe(before);
  });
});

const get = (host: string, port: number, path: string): string =>
  `exec 3<>/dev/tcp/${host}/${port} || exit 1; printf 'GET ${path} HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;

/** Network cards, addresses and routes. */
const hostNetwork = (): Promise<string> =>
  sh('ip -o link | cut -d " " -f 2; ip -o address | cut -d " " -f 2-7; ip route');
