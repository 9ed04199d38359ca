import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { Probe } from '@vouch/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dnsQuestion } from './dns-message.js';
import { judge } from './probes.js';
import { checkOf } from './written-probes.js';

const answer = (stdout: string) => ({ exitCode: 0, stderr: '', timedOut: false, stdout });

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

const asked = async (probe: object): Promise<boolean> => {
  const check = checkOf(Probe.parse(probe));
  return judge(check, await run(check.script), 1).ok;
};
const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};
const listening = (server: Server): Promise<void> => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

describe('a check of a file', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'vouch-probe-'));
  const file = path.join(folder, 'it’s "here".conf');
  writeFileSync(file, 'colour=blue\n');
  chmodSync(file, 0o640);
  const owner = execFileSync('stat', ['-c', '%U:%G', file], { encoding: 'utf8' }).trim();
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    [{}, true],
    [{ contains: 'blue', mode: '0640', owner }, true],
    [{ contains: 'red' }, false],
    [{ mode: '0644' }, false],
    [{ owner: 'nobody:nogroup' }, false],
    [{ exists: false }, false],
    [{ path: '/nowhere' }, false],
    [{ path: '/nowhere', exists: false }, true],
  ])('%j', async (wanted, ok) => {
    expect(await asked({ type: 'file', name: 'x', path: file, ...wanted })).toBe(ok);
  });
});

describe('a check of a certificate', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'vouch-probe-'));
  const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  let server: Server;
  beforeAll(async () => {
    const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '20', '-subj', '/CN=shop.test'];
    const names = ['-addext', 'subjectAltName=DNS:shop.test', '-keyout', key, '-out', certificate];
    execFileSync('openssl', [...words, ...names], { stdio: 'ignore' });
    server = createTlsServer({ key: readFileSync(key), cert: readFileSync(certificate) });
    await listening(server);
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['that is trusted', () => ({ trust: certificate }), true],
    ['that nobody trusts', () => ({}), false],
    ['whose chain does not matter', () => ({ trust: 'any' }), true],
    ['for another name', () => ({ trust: 'any', host: 'bank.test' }), false],
    ['that ends too soon', () => ({ trust: 'any', minDaysLeft: 30 }), false],
  ])('%s', async (_case, wanted, ok) => {
    const probe = { type: 'tls', name: 'x', port: portOf(server), host: 'shop.test', ...wanted() };
    expect(await asked(probe)).toBe(ok);
  });

  it('is red when nobody listens', async () => {
    expect(await asked({ type: 'tls', name: 'x', port: 1, host: 'shop.test' })).toBe(false);
  });
});

describe('a check of a mail server', () => {
  let server: Server;
  const heard: string[] = [];
  beforeAll(async () => {
    server = createServer((socket) => {
      socket.write('220 mail.test ready\r\n');
      socket.on('data', (chunk: Buffer) => {
        const words = chunk.toString().trim();
        heard.push(words);
        if (words.startsWith('EHLO')) socket.write('250-mail.test\r\n250 SIZE\r\n');
        else if (words === 'RCPT TO:<nobody@mail.test>') socket.write('550 no such user\r\n');
        else if (words === 'QUIT') socket.end('221 bye\r\n');
        else socket.write('250 ok\r\n');
      });
    });
    await listening(server);
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it.each([
    ['that takes mail', { recipient: 'owner@mail.test' }, true],
    ['that refuses the recipient', { recipient: 'nobody@mail.test' }, false],
    ['that is only greeted', {}, true],
    ['that is not there', { port: 1 }, false],
  ])('%s', async (_case, wanted, ok) => {
    expect(await asked({ type: 'smtp', name: 'x', port: portOf(server), ...wanted })).toBe(ok);
  });

  it('sends no mail', () => {
    expect(heard).not.toContain('DATA');
    expect(heard).toContain('RSET');
  });
});

describe('a check of a name server', () => {
  const header = (code: number, answers: number) => Buffer.from([0x56, 0x6f, 0x81, code, 0, 1, 0, answers, 0, 0, 0, 0]);
  const question = dnsQuestion('shop.test', 'A').subarray(12);
  // The name of the record points back to the question's: RFC 1035, section 4.1.4.
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
  const check = (more = {}) => checkOf(Probe.parse({ type: 'dns', name: 'x', question: 'shop.test', ...more }));
  const said = (...parts: Buffer[]) => answer(Buffer.concat(parts).toString('base64'));

  it.each([
    ['with the answer', check({ answer: '192.0.2.7' }), said(header(0, 1), question, record), true],
    ['with any answer', check(), said(header(0, 1), question, record), true],
    ['with another answer', check({ answer: '192.0.2.8' }), said(header(0, 1), question, record), false],
    ['without an answer', check(), said(header(0, 0), question), false],
    ['that knows no such name', check(), said(header(3, 0), question), false],
    ['that says nothing', check(), answer(''), false],
    ['whose answer is cut', check(), said(header(0, 1), question, record.subarray(0, 12)), false],
    ['whose answer points to itself', check(), said(header(0, 1), Buffer.from([0xc0, 12])), false],
  ])('%s', (_case, asking, heard, ok) => {
    expect(judge(asking, heard, 1).ok).toBe(ok);
  });
});

describe('a check of a database', () => {
  const check = checkOf(
    Probe.parse({ type: 'sql', name: 'x', engine: 'postgresql', query: "select 'it''s'", equals: "it's" }),
  );
  it('wants exactly the answer', () => {
    expect(judge(check, answer("it's\n"), 1).ok).toBe(true);
    expect(judge(check, answer('its\n'), 1).ok).toBe(false);
    expect(judge(check, { ...answer(''), exitCode: 2, stderr: 'no such table' }, 1).ok).toBe(false);
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
