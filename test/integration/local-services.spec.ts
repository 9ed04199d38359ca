import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../infra/local/ports.mjs';
import { startPostgres } from '../../infra/local/postgres.mjs';
import { startRedis } from '../../infra/local/redis.mjs';

const LOCAL = path.resolve(import.meta.dirname, '../../infra/local');
const running = (pid: number): boolean => fs.existsSync(`/proc/${pid}`);

let folder: string;
let stops: (() => Promise<void>)[];

/** A cluster as the first start makes it. Making one takes seconds, so each test gets a copy. */
let cluster: string;
beforeAll(async () => {
  cluster = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-cluster-'));
  fs.chmodSync(cluster, 0o711);
  await (await startPostgres({ dir: path.join(cluster, 'postgres') })).stop();
});
afterAll(() => fs.rmSync(cluster, { recursive: true, force: true }));

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-services-'));
  fs.chmodSync(folder, 0o711);
  stops = [];
});

afterEach(async () => {
  for (const stop of stops) await stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function postgres(dir = path.join(folder, 'postgres')) {
  if (!fs.existsSync(dir)) execFileSync('cp', ['--archive', path.join(cluster, 'postgres'), dir]);
  const server = await startPostgres({ dir });
  stops.push(server.stop);
  return server;
}

async function redis() {
  const server = await startRedis({ dir: path.join(folder, 'redis') });
  stops.push(server.stop);
  return server;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function gone(pid: number): Promise<void> {
  while (running(pid)) await new Promise((resolve) => setTimeout(resolve, 50));
}

describe('our own PostgreSQL', () => {
  it('finds its data again after it was killed', async () => {
    const first = await postgres();
    await query(first.url, `create table kept as select 'here' as word`);
    process.kill(first.pid, 'SIGKILL');
    await gone(first.pid);
    expect(fs.existsSync(path.join(folder, 'postgres/data/postmaster.pid'))).toBe(true);
    const second = await postgres();
    expect(await query(second.url, 'select word from kept')).toEqual([{ word: 'here' }]);
  });

  it('takes over from one that still runs on the same data', async () => {
    const first = await postgres();
    const second = await postgres();
    expect(running(first.pid)).toBe(false);
    expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('lets nobody in without the password, which only its owner can read', async () => {
    const { url } = await postgres();
    const wrong = new URL(url);
    wrong.password = 'guess';
    await expect(query(wrong.toString(), 'select 1')).rejects.toThrow('password authentication failed');
    expect(fs.statSync(path.join(folder, 'postgres/password')).mode & 0o077).toBe(0);
  });

  it('runs below a folder that only its owner may enter', async () => {
    const closed = path.join(folder, 'closed');
    fs.mkdirSync(closed, { mode: 0o700 });
    const { url } = await postgres(path.join(closed, 'postgres'));
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});

describe('our own Redis', () => {
  it('finds its data again, and refuses to forget any for want of memory', async () => {
    const first = await redis();
    const before = new Redis(first.url);
    await before.set('word', 'here');
    await before.quit();
    await first.stop();
    const second = await redis();
    const after = new Redis(second.url);
    expect(await after.get('word')).toBe('here');
    expect(await after.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    await after.quit();
  });

  it('ends when the process that started it is killed', async () => {
    const script = `import { startRedis } from '${LOCAL}/redis.mjs';
      const { pid } = await startRedis({ dir: '${folder}/redis' }); console.log(pid); setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    expect(running(pid)).toBe(true);
    parent.kill('SIGKILL');
    await gone(pid);
  });
});

describe('a free port', () => {
  it('is the wanted one, or another when somebody has it', async () => {
    const wanted = await freePort();
    expect(await freePort(wanted)).toBe(wanted);
    const somebody = net.createServer().listen(wanted, '127.0.0.1');
    await once(somebody, 'listening');
    expect(await freePort(wanted)).not.toBe(wanted);
    somebody.close();
  });
});
