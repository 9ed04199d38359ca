import type { TrustDocument } from '@vouch/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from './device.js';
import { FakeServer, manifest, newKeys, publicHalf, trustedKey } from './fake-server.js';

const TOKEN = 've_0123456789abcdef0123456789abcdef';
let server: FakeServer;
let device: Device;
const enrol = (...more: string[]) =>
  device.agent('enrol', '--server', server.url, '--token', TOKEN, '--name', 'till', ...more);
const trusted = async (): Promise<TrustDocument> =>
  JSON.parse((await device.read('etc/trust.json')) ?? '') as TrustDocument;
const installed = () => device.read('installed-version');

beforeEach(async () => {
  server = await FakeServer.start();
  device = await Device.create();
});
afterEach(async () => {
  await server.close();
  await device.remove();
});

describe('at enrolment', () => {
  it('a root that was named must be the one that the server shows', async () => {
    const refused = await enrol('--root', 'f'.repeat(64));
    expect(refused.exitCode).toBe(1);
    expect(refused.output).toContain('does not show the root that was named');
    expect(await device.read('state/identity.json')).toBeNull();
    expect((await enrol('--root', publicHalf(server.root).keyId)).exitCode).toBe(0);
  });

  it('a trust document that its roots did not sign is not believed', async () => {
    const body = { deviceId: 'd', tenantId: 't', pollSeconds: 3, trust: server.sealTrust(server.trust(), newKeys()) };
    server.answers.set('POST /device/v1/enrol', { status: 200, body });
    expect((await enrol()).output).toContain('cannot be believed');
    expect(await device.read('state/identity.json')).toBeNull();
  });
});

describe('a rotated key', () => {
  beforeEach(async () => {
    await enrol();
  });

  it('is followed when the root signed for it, and the old one is refused afterwards', async () => {
    const next = newKeys();
    server.serveTrust({ keys: [trustedKey(server.keys, { until: '2026-01-02T00:00:00.000Z' }), trustedKey(next)] });
    server.serve(server.seal(manifest()));
    expect((await device.agent('once')).output).toContain('not signed with a trusted key');
    expect(await installed()).toBe('1.0');
    server.serve(server.seal(manifest(), undefined, next.privateKey));
    await device.agent('once');
    expect(await installed()).toBe('2.0');
  });

  it('of the apt repository takes the place of the old one', async () => {
    server.serveTrust({ aptKeyring: 'the next apt keys' });
    await device.agent('once');
    expect(await device.read('etc/apt-key.asc')).toBe('the next apt keys');
  });

  it('leads through several versions at once, for a machine that was switched off', async () => {
    for (const version of [2, 3, 4]) server.serveTrust({ version });
    await device.agent('once');
    expect((await trusted()).version).toBe(4);
  });

  it('that was revoked signs nothing any more', async () => {
    server.serveTrust({ keys: [trustedKey(server.keys, { revoked: true })] });
    server.serve(server.seal(manifest()));
    expect((await device.agent('once')).output).toContain('not signed with a trusted key');
    expect(await installed()).toBe('1.0');
  });

  it('for another purpose signs no manifest', async () => {
    server.serveTrust({ keys: [trustedKey(server.keys, { purpose: 'verdict' })] });
    server.serve(server.seal(manifest()));
    expect((await device.agent('once')).output).toContain('not signed with a trusted key');
  });

  it('of the root is followed when the old root and the new one signed', async () => {
    const next = newKeys();
    const roots = { threshold: 1, keys: [publicHalf(next)] };
    server.serveTrust({ roots }, server.root, next);
    server.serveTrust({ version: 3, roots }, next);
    await device.agent('once');
    expect((await trusted()).version).toBe(3);
  });
});

describe('a trust document that is not followed', () => {
  const stranger = newKeys();
  const second = newKeys();
  const refused: [string, () => void, string][] = [
    ['signed by a stranger', () => server.serveTrust({}, stranger), 'not signed by enough roots'],
    [
      'with new roots that the old one did not sign',
      () => server.serveTrust({ roots: { threshold: 1, keys: [publicHalf(stranger)] } }, stranger),
      'not signed by enough roots',
    ],
    [
      'with new roots that did not sign themselves',
      () => server.serveTrust({ roots: { threshold: 1, keys: [publicHalf(stranger)] } }, server.root),
      'not signed by enough roots',
    ],
    [
      'signed by one root where two must',
      () =>
        server.serveTrust(
          { roots: { threshold: 2, keys: [publicHalf(server.root), publicHalf(second)] } },
          server.root,
          server.root,
        ),
      'not signed by enough roots',
    ],
    [
      'with one root named twice',
      () =>
        server.serveTrust(
          {
            roots: {
              threshold: 2,
              keys: [publicHalf(server.root), { ...publicHalf(server.root), keyId: 'e'.repeat(64) }],
            },
          },
          server.root,
        ),
      'not signed by enough roots',
    ],
    [
      'rolled back',
      () => server.answers.set('GET /device/v1/trust/2', { status: 200, body: server.sealTrust(server.trust()) }),
      'of another version than 2',
    ],
    [
      'that is something else',
      () => server.answers.set('GET /device/v1/trust/2', { status: 200, body: server.seal(manifest()) }),
      'not a trust document',
    ],
    [
      'cut off',
      () =>
        server.answers.set('GET /device/v1/trust/2', {
          status: 200,
          body: { payloadType: 'application/vnd.vouch.trust.v1+json', payload: '%%%', signatures: [] },
        }),
      'cut off',
    ],
  ];
  it.each(refused)('%s: the last good one stays in force, and reports go on', async (_what, serve, reason) => {
    await enrol();
    serve();
    server.serve(server.seal(manifest()));
    expect((await device.agent('once')).output).toContain(reason);
    expect((await trusted()).version).toBe(1);
    expect(await installed()).toBe('2.0');
    expect(server.sent('POST', '/device/v1/outcomes').length).toBeGreaterThan(0);
  });

  it('expired, with nothing newer: nothing new is installed, and what the machine is goes on being told', async () => {
    await enrol();
    server.serveTrust({ expires: '2026-01-02T00:00:00.000Z' });
    server.serve(server.seal(manifest()));
    const run = await device.agent('once');
    expect(run.output).toContain('the trust document has expired');
    expect(await installed()).toBe('1.0');
    expect(server.sent('PUT', '/device/v1/fingerprint').length).toBeGreaterThan(0);
  });
});
