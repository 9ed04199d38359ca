import http from 'node:http';
import type net from 'node:net';
import { type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isPublicAddress } from './public-address.js';
import { AddressRefused, SafeFetch } from './safe-fetch.js';

const limits = { timeoutMs: 2000, maxBytes: 100 };

describe('isPublicAddress', () => {
  it.each([
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '100.100.100.200',
    '192.0.0.192',
    '192.0.2.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::a00:1',
    '2002:7f00:1::',
    '2001:0:4136:e378:8000:63bf:80ff:fffe',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'fc00::1',
    'fd00:ec2::254',
    'ff02::1',
    '2001:db8::1',
    '100::1',
    'localhost',
    '',
  ])('says no to %s', (address) => expect(isPublicAddress(address)).toBe(false));

  it.each(['1.1.1.1', '93.184.216.34', '172.32.0.1', '2606:4700:4700::1111', '::ffff:1.1.1.1'])(
    'says yes to %s',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );

  it('says the same of an IPv4 address and of its IPv6-mapped form', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(isPublicAddress(`::ffff:${address}`)).toBe(isPublicAddress(address));
      }),
    );
  });
});

describe('SafeFetch', () => {
  const strict = new SafeFetch({ allowPrivateNetwork: false });
  const seen: string[] = [];
  const server = http.createServer((request, response) => {
    seen.push(request.url ?? '');
    if (request.url === '/moved') response.writeHead(302, { location: '/elsewhere' }).end();
    else if (request.url === '/long') response.end('x'.repeat(1_000_000));
    else if (request.url === '/never') response.write('begun');
    else response.end(`${request.method} ${request.headers['x-test'] ?? ''}`);
  });
  let port = 0;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it.each([
    'http://example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'https://user:secret@example.com/',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://017700000001/',
    'https://[::1]/',
    'https://[::ffff:169.254.169.254]/',
    'https://169.254.169.254/latest/meta-data',
    'nonsense',
  ])('refuses %s before it asks anybody', (address) => {
    expect(() => strict.check(address)).toThrow(AddressRefused);
  });

  it('refuses a name that resolves to a private address', async () => {
    await expect(strict.send(`https://localhost:${port}/`, limits)).rejects.toThrow(AddressRefused);
  });

  it('asks once, where the connection is made: a name that answers differently another time gains nothing', async () => {
    const answers = ['127.0.0.1', '93.184.216.34'];
    let asked = 0;
    const rebinding: net.LookupFunction = (_host, _options, callback) => {
      const address = answers[asked] ?? '';
      asked += 1;
      (callback as unknown as (e: null, all: object[]) => void)(null, [{ address, family: 4 }]);
    };
    const fetcher = new SafeFetch({ allowPrivateNetwork: false }, rebinding);
    await expect(fetcher.send(`https://rebind.example:${port}/`, limits)).rejects.toThrow(AddressRefused);
    expect(asked).toBe(1);
    expect(seen).toEqual([]);
    await fetcher.close();
  });

  it('refuses a name as soon as one of its addresses is private', async () => {
    const mixed: net.LookupFunction = (_host, _options, callback) =>
      (callback as unknown as (e: null, all: object[]) => void)(null, [
        { address: '93.184.216.34', family: 4 },
        { address: '10.0.0.1', family: 4 },
      ]);
    const fetcher = new SafeFetch({ allowPrivateNetwork: false }, mixed);
    await expect(fetcher.send('https://mixed.example/', limits)).rejects.toThrow(AddressRefused);
  });

  describe('with private networks allowed', () => {
    const open = new SafeFetch({ allowPrivateNetwork: true });
    const at = (path: string): string => `http://127.0.0.1:${port}${path}`;
    afterAll(() => open.close());

    it('sends and answers', async () => {
      const answer = await open.send(at('/'), { ...limits, method: 'POST', headers: { 'x-test': 'yes' }, body: '{}' });
      expect({ status: answer.status, body: answer.body.toString() }).toEqual({ status: 200, body: 'POST yes' });
    });

    it('does not follow redirects', async () => {
      expect((await open.send(at('/moved'), limits)).status).toBe(302);
      expect(seen).not.toContain('/elsewhere');
    });

    it('reads no more than it was told to', async () => {
      const { body, cut } = await open.send(at('/long'), limits);
      expect([body.length, cut]).toEqual([100, true]);
    });

    it('gives up on an answer that never ends', async () => {
      await expect(open.send(at('/never'), { ...limits, timeoutMs: 200 })).rejects.toThrow();
    });
  });
});
