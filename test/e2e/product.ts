import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TOTP } from 'otpauth';
import type { Overview, SignedIn } from '@vouch/contracts';

const root = path.resolve(import.meta.dirname, '../..');

const AS_ROOT = process.getuid?.() === 0;
/** An ordinary user needs a user namespace to have a network namespace of its own. */
const OWN_NETWORK = [
  ...['unshare', ...(AS_ROOT ? [] : ['--user', '--map-root-user']), '--net', '--'],
  ...['sh', '-c', 'ip link set lo up && exec "$@"', 'sh'],
];

/** The product as `npm start` runs it, with its data in a folder of the test. */
export class Product {
  readonly lines: string[] = [];
  private cookie = '';
  private readonly sessions = new Map<string, string>();

  private constructor(
    private readonly process: ChildProcess,
    readonly dataDir: string,
  ) {}

  static start(dataDir: string, env: Record<string, string> = {}, { offline = false } = {}): Product {
    const start = [process.execPath, path.join(root, 'infra/local/start.mjs')];
    const [program = '', ...args] = offline ? [...OWN_NETWORK, ...start] : start;
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, VOUCH_DATA_DIR: dataDir, VOUCH_PORT: '18080', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const product = new Product(child, dataDir);
    for (const stream of [child.stdout, child.stderr]) {
      let rest = '';
      stream.setEncoding('utf8').on('data', (text: string) => {
        const parts = (rest + text).split('\n');
        rest = parts.pop() ?? '';
        product.lines.push(...parts);
      });
    }
    return product;
  }

  /** Waits for a line that matches; fails with everything that was said when the product ends or the time is over. */
  async line(pattern: RegExp, timeoutMs: number): Promise<string> {
    const until = Date.now() + timeoutMs;
    while (Date.now() < until) {
      const found = this.lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      if (this.process.exitCode !== null || this.process.signalCode !== null) break;
      await sleep(100);
    }
    throw new Error(`${pattern} was not said. What was said:\n${this.lines.slice(-30).join('\n')}`);
  }

  get pid(): number {
    return this.process.pid ?? -1;
  }

  /** How to enter the namespaces of an offline product. */
  get namespaces(): string[] {
    return AS_ROOT ? ['--net'] : ['--user', '--preserve-credentials', '--net'];
  }

  get url(): string {
    const line = this.lines.find((text) => text.startsWith('Vouch runs at')) ?? '';
    return /http:\S+/.exec(line)?.[0] ?? '';
  }

  /** Signs in with password and, as consultants must, with a code; or goes on with the session that is there. */
  async signIn(email = 'technician@demo.example'): Promise<void> {
    const secrets = JSON.parse(fs.readFileSync(path.join(this.dataDir, 'keys/secrets.json'), 'utf8')) as {
      demoPassword: string;
      demoCodeSecret: string;
    };
    this.cookie = this.sessions.get(email) ?? '';
    if (this.cookie !== '') return;
    const { secondFactor } = await this.post<SignedIn>('/api/v1/session', { email, password: secrets.demoPassword });
    if (secondFactor === 'needed') {
      const code = new TOTP({ secret: secrets.demoCodeSecret }).generate();
      await this.post('/api/v1/session/second-factor', { code });
    }
    this.sessions.set(email, this.cookie);
  }

  async get<T>(route: string): Promise<T> {
    const response = await fetch(this.url + route, { headers: { cookie: this.cookie } });
    if (!response.ok) throw new Error(`${route} answered ${response.status}`);
    return (await response.json()) as T;
  }

  async post<T>(route: string, body?: unknown): Promise<T> {
    const headers = {
      cookie: this.cookie,
      'x-vouch-csrf': '1',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(this.url + route, { method: 'POST', headers, ...sent });
    if (!response.ok) throw new Error(`${route} answered ${response.status}: ${await response.text()}`);
    this.cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? this.cookie;
    return (await response.json()) as T;
  }

  /** Polls the overview until it is as wanted. The API may be away for a moment. */
  async overview(wanted: (overview: Overview) => boolean, timeoutMs: number): Promise<Overview> {
    const until = Date.now() + timeoutMs;
    while (Date.now() < until) {
      const overview = await this.get<Overview>('/api/v1/overview').catch(() => null);
      if (overview !== null && wanted(overview)) return overview;
      await sleep(500);
    }
    throw new Error(`The overview did not become as wanted.\n${this.lines.slice(-30).join('\n')}`);
  }

  /** Kills one of the product's processes as a power cut would. */
  kill(name: string): void {
    process.kill(Number(fs.readFileSync(path.join(this.dataDir, 'logs', `${name}.pid`), 'utf8')), 'SIGKILL');
  }

  /** Waits for the end that it comes to by itself; its exit code. */
  async exit(timeoutMs: number): Promise<number | null> {
    if (this.process.exitCode === null) await once(this.process, 'exit', { signal: AbortSignal.timeout(timeoutMs) });
    return this.process.exitCode;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = once(this.process, 'exit');
    this.process.kill('SIGINT');
    await exited;
  }
}

/** Processes that have something to do with a folder: named in their command, their environment or as their place. */
export function processesOf(folder: string): string[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const environment = fs.readFileSync(`/proc/${pid}/environ`, 'utf8');
        const place = fs.readlinkSync(`/proc/${pid}/cwd`);
        return [command, environment, place].some((text) => text.includes(folder)) ? [`${pid} ${command}`] : [];
      } catch {
        return [];
      }
    });
}
