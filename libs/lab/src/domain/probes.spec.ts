import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Probe } from '@vouch/contracts';
import { checkOf, GENERAL_CHECKS, healthChecks, judge, readListening, versionChecks } from './probes.js';

const answer = (stdout: string, more: { exitCode?: number; timedOut?: boolean } = {}) => ({
  exitCode: 0,
  stderr: '',
  timedOut: false,
  stdout,
  ...more,
});

describe('readListening', () => {
  it('names each listening socket once and leaves out what changes with every start', () => {
    const listing = `udp UNCONN 0 0 0.0.0.0:68 0.0.0.0:*
udp   UNCONN 0      0            127.0.0.1:41234      0.0.0.0:*
tcp   LISTEN 0      511            0.0.0.0:80         0.0.0.0:*
tcp   LISTEN 0      511            0.0.0.0:80         0.0.0.0:*
tcp   LISTEN 0      128               [::]:22            [::]:*
`;
    expect(readListening(listing)).toEqual(['tcp 0.0.0.0:80', 'tcp [::]:22', 'udp 0.0.0.0:68']);
  });
});

describe('judge', () => {
  const [service, socket] = healthChecks({ services: ['nginx.service'], listening: ['tcp 0.0.0.0:80'] });
  const [failed, audit] = GENERAL_CHECKS;
  const [version] = versionChecks([
    { package: 'nginx', version: '2', architecture: 'all', fileName: 'n', sizeBytes: 1, sha256: '' },
  ]);

  it.each([
    ['a running service', service, answer('active\n'), true],
    ['a stopped service', service, answer('inactive\n'), false],
    ['an open socket', socket, answer('tcp LISTEN 0 511 0.0.0.0:80 0.0.0.0:*'), true],
    ['a socket on another address', socket, answer('tcp LISTEN 0 511 127.0.0.1:80 0.0.0.0:*'), false],
    ['no failed unit', failed, answer('\n'), true],
    ['a failed unit', failed, answer('nginx.service loaded failed failed web'), false],
    ['packages that are whole', audit, answer(''), true],
    ['a half-installed package', audit, answer('The following packages are only half configured'), false],
    ['the new version', version, answer('ii  2'), true],
    ['an older version', version, answer('ii  1'), false],
    ['the new version, half configured', version, answer('iF  2'), false],
    ['a check that hangs', service, answer('active', { timedOut: true }), false],
    ['a check that fails itself', audit, answer('', { exitCode: 127 }), false],
  ])('%s', (_case, check, said, ok) => {
    expect(check && judge(check, said, 5)).toMatchObject({ ok, durationMs: 5 });
  });
});

describe('a check from a profile', () => {
  let server: Server;
  let port: number;
  beforeAll(async () => {
    server = createServer((socket) => {
      socket.write('SSH-2.0-test\r\n');
      socket.once('data', () => socket.end('HTTP/1.0 503 Sorry\r\n\r\nclosed today'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it.each<[string, (port: number) => Probe, boolean]>([
    ['a port that speaks', (p) => ({ type: 'tcp', name: 'x', port: p, banner: 'SSH-2.0' }), true],
    ['a port that says something else', (p) => ({ type: 'tcp', name: 'x', port: p, banner: 'ESMTP' }), false],
    ['a port that nobody listens on', () => ({ type: 'tcp', name: 'x', port: 1 }), false],
    ['a command', () => ({ type: 'command', name: 'x', command: "printf '%s' it\\'s", contains: "it's" }), true],
    ['a command that fails', () => ({ type: 'command', name: 'x', command: 'echo fine; exit 3' }), false],
    [
      'a web site that nobody serves',
      () => ({ type: 'http', name: 'x', url: 'http://127.0.0.1:1/', status: 200 }),
      false,
    ],
  ])('asks %s', async (_case, probe, ok) => {
    const check = checkOf(probe(port));
    const said = await run(check.script);
    expect(judge(check, said, 1).ok).toBe(ok);
  });

  it.each([
    [{ status: 200 }, 'HTTP/1.1 200 OK\r\n\r\nWelcome', true],
    [{ status: 200, contains: 'Welcome' }, 'HTTP/1.1 200 OK\r\n\r\nWelcome', true],
    [{ status: 200, contains: 'Hello' }, 'HTTP/1.1 200 OK\r\n\r\nWelcome', false],
    [{ status: 200 }, 'HTTP/1.1 502 Bad Gateway\r\n\r\nWelcome', false],
    [{ status: 502 }, 'HTTP/1.1 502 Bad Gateway\r\n\r\nWelcome', true],
    [{ status: 200 }, '', false],
  ])('a web site: %j answered %j', (wanted, said, ok) => {
    const check = checkOf({ type: 'http', name: 'web', url: 'http://127.0.0.1/', ...wanted });
    expect(judge(check, answer(said), 1).ok).toBe(ok);
  });
});

/** Not synchronously: the server under test lives in this process. */
function run(script: string): Promise<ReturnType<typeof answer>> {
  return new Promise((resolve) => {
    execFile('sh', ['-c', script], (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : 1, stdout, stderr, timedOut: false });
    });
  });
}
