import path from 'node:path';
import type { Profile } from '@vouch/contracts';
import { GoldenBuilder, hostRelease, Machine, PrivateNetwork, SandboxHost, type Golden } from '@vouch/lab';
import type { ApiClient } from './api-client.js';
import { tenants, type DemoDevice, type DemoTenant } from './organisation.js';

/** What a small business's machine has installed: like the lab's profile, and not the same. */
async function deviceProfile(): Promise<Profile> {
  const { stream } = await hostRelease();
  const components = ['nginx', 'postgresql', 'openssl', 'curl', 'jq', 'ca-certificates'].map((name) => ({
    package: name,
  }));
  return {
    name: 'demo-device',
    title: 'A small business machine',
    stream,
    components,
    files: [],
    seed: [],
    probes: [],
  };
}

/** Port of the private network's gateway on which machines find the server. */
const SERVER_PORT = 80;
const SERVER = 'http://10.77.0.1';
/** A machine that installs a patch when it is stopped has this long to finish. */
const STOP_LIMIT_MS = 25_000;

/** The demo's machines: real Debian systems on a private network with the server, kept between starts. */
export class DemoFleet {
  private readonly machines: Machine[] = [];

  private constructor(
    private readonly host: SandboxHost,
    private readonly network: PrivateNetwork,
    private readonly golden: Golden,
    private readonly api: ApiClient,
    private readonly say: (line: string) => void,
  ) {}

  static async open(dataDir: string, apiPort: number, api: ApiClient, say: (line: string) => void): Promise<DemoFleet> {
    const host = await SandboxHost.open(path.join(dataDir, 'sandbox'));
    // One that was built before is there at once.
    const takesLonger = setTimeout(() => {
      say('building the machines’ golden (older packages of the release, on purpose)');
    }, 1000);
    const golden = await new GoldenBuilder(host).build(await deviceProfile()).finally(() => clearTimeout(takesLonger));
    const network = await PrivateNetwork.open(host.directory);
    await network.openGateway(SERVER_PORT, { host: '127.0.0.1', port: apiPort });
    return new DemoFleet(host, network, golden, api, say);
  }

  /** Boots all machines, and enrols those that are new. */
  async start(): Promise<void> {
    let place = 0;
    for (const tenant of tenants) {
      for (const device of tenant.devices) await this.startDevice(tenant, device, ++place);
    }
    this.say(`${this.machines.length} machines are up`);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.machines.map((machine) => machine.stop(STOP_LIMIT_MS)));
    await Promise.allSettled(this.machines.map((machine) => machine.release()));
    await this.network.close();
    await this.host.close();
  }

  private async startDevice(tenant: DemoTenant, device: DemoDevice, place: number): Promise<void> {
    const machine = await Machine.start(this.host, {
      name: `demo-${device.name}`,
      hostname: device.name,
      layers: this.golden.layers,
      storage: { kind: 'kept' },
      network: { in: this.network, address: PrivateNetwork.address(place) },
    });
    this.machines.push(machine);
    const enrolled = await machine.exec(['test', '-e', '/var/lib/vouch-agent/identity.json']);
    if (enrolled.exitCode === 0) return;
    await machine.put('/tmp/vouch-agent.deb', await this.api.agentPackage());
    await machine.mustExec('Installing the agent', ['dpkg', '-i', '/tmp/vouch-agent.deb']);
    const token = await this.api.enrolmentToken(tenant.id, device.ring);
    const enrol = ['vouch-agent', 'enrol', '--server', SERVER, '--token', token, '--name', device.name];
    await machine.mustExec(`Enrolling ${device.name}`, enrol);
    await machine.mustExec('Starting the agent', ['systemctl', 'enable', '--now', 'vouch-agent.service']);
    this.say(`${device.name} of ${tenant.name} is enrolled in ring ${device.ring}`);
  }
}
