import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ResourceUse } from '../../lab-machine.port.js';
import type { Accelerator } from '../qemu/accelerator.js';
import type { SandboxHost } from '../sandbox/sandbox-host.js';
import type { AgentChannel } from '../vm/agent-channel.js';
import { MEMORY_MIB } from '../vm/image-scripts.js';
import { NoAnswer } from '../vm/json-lines.js';
import type { GoldenSource } from '../vm/vm-golden-builder.js';
import { DISK, VmFolder, type VmFolderOptions } from '../vm/vm-folder.js';
import { domainXml } from './domain-xml.js';
import type { Virsh } from './virsh.js';

const POLL_MS = 250;
const SHUTDOWN_MS = 120_000;
const SCREEN = 'screen.png';
const DOMAIN_FILE = 'domain.xml';

/** One machine's folder, and the domain that libvirt runs of it. The domain is transient: when it ends, it is gone. */
export class LibvirtControl implements GoldenSource {
  private running = false;

  private constructor(
    private readonly virsh: Virsh,
    private readonly accelerator: Accelerator,
    private readonly folder: VmFolder,
  ) {}

  /** @throws RestoreFailed */
  static async prepare(
    host: SandboxHost,
    virsh: Virsh,
    options: VmFolderOptions & { readonly accelerator: Accelerator },
  ): Promise<LibvirtControl> {
    const folder = await VmFolder.prepare(host, { ...options, open: true });
    return new LibvirtControl(virsh, options.accelerator, folder);
  }

  get name(): string {
    return this.folder.name;
  }

  get directory(): string {
    return this.folder.directory;
  }

  /** As libvirt last said: it is asked whenever the machine does not answer. */
  get isRunning(): boolean {
    return this.running;
  }

  /** @throws CommandFailed with libvirt's own words */
  async start(): Promise<AgentChannel> {
    const at = (file: string): string => path.resolve(this.directory, file);
    const xml = domainXml({
      name: this.domain,
      accelerator: this.accelerator,
      memoryMiB: MEMORY_MIB,
      disk: at(DISK),
      kernel: at(this.folder.kernel),
      initrd: at(this.folder.initrd),
      serialLog: at('serial.log'),
    });
    await writeFile(at(DOMAIN_FILE), xml);
    await this.folder.mark({ domains: [{ uri: this.virsh.uri, name: this.domain }] });
    await this.virsh.order('create', at(DOMAIN_FILE));
    this.running = true;
    const agent = this.virsh.agentOf(this.domain);
    return {
      largestWrite: agent.largestWrite,
      ask: (command, args, timeoutMs) =>
        agent.ask(command, args, timeoutMs).catch(async (error: unknown) => {
          if (error instanceof NoAnswer) this.running = await this.virsh.runs(this.domain);
          throw error;
        }),
    };
  }

  /** Shuts the machine down in order: what is kept is its disk. */
  async conclude(): Promise<readonly string[]> {
    await this.virsh.order('shutdown', this.domain, '--mode', 'agent');
    if (!(await this.ended(SHUTDOWN_MS))) throw new NoAnswer(`${this.name} does not shut down`);
    return [];
  }

  async ended(limitMs: number): Promise<boolean> {
    const deadline = performance.now() + limitMs;
    while ((this.running = await this.virsh.runs(this.domain))) {
      if (performance.now() > deadline) return false;
      await sleep(POLL_MS);
    }
    return true;
  }

  async kill(): Promise<void> {
    await this.virsh.destroy(this.domain);
    this.running = false;
  }

  adoptKernel(): Promise<void> {
    return this.folder.adoptKernel();
  }

  async screenshot(): Promise<Uint8Array> {
    const file = path.join(this.directory, SCREEN);
    await this.virsh.order('screenshot', this.domain, file);
    return readFile(file);
  }

  usage(): Promise<ResourceUse> {
    return this.virsh.usage(this.domain);
  }

  remove(): Promise<void> {
    return this.folder.remove();
  }

  private get domain(): string {
    return `vouch-${this.name}`;
  }
}
