import type { ResourceUse } from '../../lab-machine.port.js';
import { CommandFailed, runCommand } from '../host/run-command.js';
import { AgentRefused, type AgentChannel } from '../vm/agent-channel.js';
import { NoAnswer } from '../vm/json-lines.js';

const ORDER_MS = 120_000;
/** A request is one argument of a program, which Linux cuts off at 128 KiB (MAX_ARG_STRLEN), and Base64 makes it longer. */
const LARGEST_WRITE_BYTES = 64 * 1024;

/** libvirt's own client at one connection. Every call is a process: nothing hangs on a connection that a daemon closed. */
export class Virsh {
  /** @param uri e.g. `qemu:///system`, see libvirt.org/uri.html */
  constructor(readonly uri: string) {}

  /** @throws CommandFailed */
  async order(...args: readonly string[]): Promise<string> {
    const result = await this.try(ORDER_MS, ...args);
    if (result.exitCode !== 0) throw new CommandFailed(`libvirt's "${args[0] ?? ''}"`, result);
    return result.stdout;
  }

  /** Whether a machine runs; one that libvirt does not know does not. */
  async runs(domain: string): Promise<boolean> {
    const { exitCode, stdout } = await this.try(ORDER_MS, 'domstate', domain);
    return exitCode === 0 && !/^(shut off|crashed|no state)/.test(stdout.trim());
  }

  /** Ends a machine at once. One that is not there counts as ended. @throws CommandFailed */
  async destroy(domain: string): Promise<void> {
    if (await this.runs(domain))
      await this.order('destroy', domain).catch((error: unknown) => this.unlessGone(domain, error));
  }

  /** What a machine takes of its host, as libvirt counts it. */
  async usage(domain: string): Promise<ResourceUse> {
    return readStatistics(await this.order('domstats', '--cpu-total', '--balloon', '--block', domain));
  }

  /** A way to the guest agent of a machine. */
  agentOf(domain: string): AgentChannel {
    return {
      largestWrite: LARGEST_WRITE_BYTES,
      ask: async (command, args, timeoutMs) => {
        const request = JSON.stringify({ execute: command, arguments: args });
        const deadline = performance.now() + timeoutMs;
        for (;;) {
          const seconds = Math.max(1, Math.ceil((deadline - performance.now()) / 1000));
          const call = ['qemu-agent-command', domain, request, '--timeout', String(seconds)];
          const { exitCode, stdout, stderr } = await this.try((seconds + 10) * 1000, ...call);
          if (exitCode === 0) return (JSON.parse(stdout) as { return: unknown }).return;
          const refusal = /unable to execute QEMU agent command '[^']*': (.*)/.exec(stderr)?.[1];
          if (refusal !== undefined) throw new AgentRefused(command, refusal);
          // Before the agent has come up libvirt answers at once that it is not connected.
          const early = /agent is not connected|agent not available/i.test(stderr) && performance.now() < deadline;
          if (!early || !(await this.runs(domain))) throw new NoAnswer(stderr.trim() || `no answer to ${command}`);
          await new Promise((resolve) => setTimeout(resolve, 250));
        }
      },
    };
  }

  private try(timeoutMs: number, ...args: readonly string[]): ReturnType<typeof runCommand> {
    return runCommand(['virsh', '--quiet', '--connect', this.uri, ...args], {
      timeoutMs,
      env: { PATH: SYSTEM_PATH, LC_ALL: 'C' },
    });
  }

  private async unlessGone(domain: string, error: unknown): Promise<void> {
    if (await this.runs(domain)) throw error;
  }
}

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Reads `virsh domstats`: `name=value` a line; times in ns, memory in KiB, files in bytes. */
export function readStatistics(text: string): ResourceUse {
  const values = new Map(
    [...text.matchAll(/^\s*([a-z0-9.]+)=(\d+)$/gm)].map(([, key = '', value]) => [key, Number(value)]),
  );
  const kib = values.get('balloon.rss') ?? values.get('balloon.current') ?? 0;
  return {
    memoryBytes: kib * 1024,
    processorMs: Math.round((values.get('cpu.time') ?? 0) / 1e6),
    writtenBytes: values.get('block.0.allocation') ?? 0,
  };
}
