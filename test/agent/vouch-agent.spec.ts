import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { EnrolRequest, FingerprintReport, OutcomeReport } from '@vouch/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Device } from './device.js';
import { FakeServer, manifest, sha256 } from './fake-server.js';

const TOKEN = 've_0123456789abcdef0123456789abcdef';
const MANIFEST = '/device/v1/manifest';
const OUTCOMES = '/device/v1/outcomes';

let server: FakeServer;
let device: Device;

beforeEach(async () => {
  server = await FakeServer.start();
  device = await Device.create();
});

afterEach(async () => {
  await server.close();
  await device.remove();
});

const tryToEnrol = () => device.agent('enrol', '--server', server.url, '--token', TOKEN, '--name', 'till');
async function enrol(): Promise<void> {
  expect(await tryToEnrol()).toMatchObject({ exitCode: 0 });
}
const reports = () => server.sent('POST', OUTCOMES).map(({ body }) => OutcomeReport.parse(JSON.parse(body)));

describe('enrolling', () => {
  it('makes a key that only root reads, hands over its public half, and pins what the server gives', async () => {
    await enrol();
    const request = EnrolRequest.parse(JSON.parse(server.sent('POST', '/device/v1/enrol')[0]?.body ?? ''));
    expect(request).toMatchObject({ token: TOKEN, name: 'till' });
    expect(fs.statSync(path.join(device.directory, 'state/device.key')).mode & 0o777).toBe(0o600);
    expect(JSON.parse((await device.read('etc/trust.json')) ?? '')).toEqual(server.trust());
    expect(await device.read('etc/apt-key.asc')).toContain('the apt key');
    expect(await device.read('preferences/vouch.pref')).toMatch(/o=Debian\nPin-Priority: 50\n/);
  });

  it('happens once', async () => {
    await enrol();
    const again = await tryToEnrol();
    expect(again.exitCode).toBe(1);
    expect(again.output).toContain('enrolled already');
    expect(server.sent('POST', '/device/v1/enrol')).toHaveLength(1);
  });

  it('leaves nothing behind when the server refuses, and says the server’s reason', async () => {
    server.answers.set('POST /device/v1/enrol', { status: 403, body: { detail: 'The token was used.' } });
    const refused = await tryToEnrol();
    expect(refused.exitCode).toBe(1);
    expect(refused.output).toContain('The token was used.');
    expect(await device.read('state/device.key')).toBeNull();
    expect(await device.read('state/identity.json')).toBeNull();
  });
});

describe('talking to the server', () => {
  it('signs every request with the device’s key, and never the same one twice', async () => {
    await enrol();
    server.serve(server.seal(manifest()));
    await device.agent('once');
    // Trust documents are public, and believed for their own signatures.
    const requests = server.received.filter(({ path }) => !/\/(enrol|trust\/\d+)$/.test(path));
    expect(new Set(requests.map((request) => request.path))).toEqual(
      new Set(['/device/v1/fingerprint', MANIFEST, OUTCOMES]),
    );
    expect(requests.filter((request) => !request.signatureHolds)).toEqual([]);
    expect(new Set(requests.map((request) => request.nonce)).size).toBe(requests.length);
  });

  it('sends what the machine is, and again only when it has changed', async () => {
    await enrol();
    await device.agent('once');
    await device.agent('once');
    expect(server.sent('PUT', '/device/v1/fingerprint')).toHaveLength(1);
    await device.write('installed-version', '1.5');
    await device.agent('once');
    const sent = server
      .sent('PUT', '/device/v1/fingerprint')
      .map(({ body }) => FingerprintReport.parse(JSON.parse(body)));
    expect(sent.map(({ components }) => components[0]?.version)).toEqual(['1.0', '1.5']);
    expect(sent[1]).toMatchObject({ architecture: 'amd64', services: ['shop.service'] });
    expect(sent[1]?.components).toHaveLength(1);
  });

  it('says the server’s reason when there is no channel yet', async () => {
    await enrol();
    expect((await device.agent('once')).output).toContain('no channel yet');
  });

  it('does nothing when another run is at work', async () => {
    await enrol();
    const lock = path.join(device.directory, 'state/lock');
    const holder = execFileSync('bash', [
      '-c',
      `exec 8>"$1"; flock 8; sleep 60 <&- >/dev/null 2>&1 & echo $!`,
      'sh',
      lock,
    ]);
    const run = await device.agent('once');
    process.kill(Number(holder));
    expect(run).toMatchObject({ exitCode: 1, output: expect.stringContaining('another vouch-agent is at work') });
  });
});

describe('a manifest that cannot be trusted (I1, I7)', () => {
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const tampered = () => {
    const envelope = server.seal(manifest());
    const payload = Buffer.from(envelope.payload, 'base64').toString().replace('"ring":0', '"ring":1');
    return { ...envelope, payload: Buffer.from(payload).toString('base64') };
  };
  it.each<[string, () => unknown, string]>([
    ['signed by another key', () => server.seal(manifest(), undefined, stranger), 'not signed with a trusted key'],
    ['changed after it was signed', tampered, 'not signed with a trusted key'],
    ['without a signature', () => ({ ...server.seal(manifest()), signatures: [] }), 'not signed with a trusted key'],
    ['signed for another purpose', () => server.seal(manifest(), 'application/vnd.in-toto+json'), 'not a manifest'],
    ['expired', () => server.seal(manifest({ expires: '2026-01-02T00:00:00Z' })), 'has expired'],
    ['without an end', () => server.seal({ ...manifest(), expires: undefined }), 'has expired'],
    ['without a version', () => server.seal({ ...manifest(), version: undefined }), 'names no channel or version'],
    ['for a channel outside its folder', () => server.seal(manifest({ channelId: '../../etc' })), 'names no channel'],
    ['that is no envelope', () => ({ hello: 'world' }), 'no envelope'],
    ['that is cut off', () => ({ ...server.seal(manifest()), payload: '%%%' }), 'cut off'],
  ])('%s: nothing is installed, and it says so', async (_what, envelope, sentence) => {
    await enrol();
    server.serve(envelope());
    expect((await device.agent('once')).output).toContain(sentence);
    expect(await device.read('apt-calls')).toBeNull();
    expect(await device.read('installed-version')).toBe('1.0');
    expect((await device.agent('status')).output).toContain(sentence);
  });

  it('of an older version than one seen before: nothing is installed', async () => {
    await enrol();
    server.serve(server.seal(manifest({ version: 4, entries: [] })));
    await device.agent('once');
    server.serve(server.seal(manifest({ version: 3 })));
    expect((await device.agent('once')).output).toContain('went back from version 4 to 3');
    expect(await device.read('installed-version')).toBe('1.0');
  });

  it('that was kept, and expires while the server only says "unchanged": nothing is installed', async () => {
    await enrol();
    const expires = new Date(Date.now() + 3_600_000).toISOString();
    server.serve(server.seal(manifest({ expires, entries: [] })), { etag: '"v3"' });
    expect((await device.agent('once')).output).not.toContain('expired');
    server.answers.set(`GET ${MANIFEST}`, { status: 304 });
    await device.write('clock-ahead-seconds', '7200');
    expect((await device.agent('once')).output).toContain('has expired');
  });
});

describe('an approved patch', () => {
  it('is installed at exactly its version, checked, and reported once', async () => {
    await enrol();
    server.serve(server.seal(manifest()));
    await device.agent('once');
    await device.agent('once');
    expect(await device.read('installed-version')).toBe('2.0');
    expect(reports()).toEqual([
      {
        revisionId: manifest().entries[0]?.revisionId,
        channelVersion: 3,
        result: 'installed',
        healthy: true,
        probes: [
          { name: 'service shop.service runs', ok: true, detail: '' },
          { name: 'port 443 is open', ok: true, detail: '' },
          { name: 'no package is half installed', ok: true, detail: '' },
        ],
        detail: '',
        installed: [{ package: 'shop-server', version: '2.0', sha256: sha256('the approved bytes') }],
      },
    ]);
    expect(server.sent('PUT', '/device/v1/fingerprint')).toHaveLength(2);
  });

  it('costs little to look at once it is installed: most looks at a channel find nothing new', async () => {
    await enrol();
    server.serve(server.seal(manifest()));
    await device.agent('once');
    await device.write('jq-starts', '');
    await device.agent('once');
    const starts = (await device.read('jq-starts'))?.trim().split('\n') ?? [];
    expect(starts.length).toBeLessThanOrEqual(3);
    expect(starts).toContain('started');
  });

  it('comes from the channel’s repository only, which apt has to check against the pinned key', async () => {
    await enrol();
    server.serve(server.seal(manifest()));
    await device.agent('once');
    const calls = (await device.read('apt-calls'))?.trim().split('\n') ?? [];
    expect(calls).toHaveLength(3);
    for (const call of calls) {
      expect(call).toContain('Dir::Etc::sourcelist=/dev/null');
      expect(call).toContain(`Dir::Etc::sourceparts=${device.directory}/etc/apt.d`);
    }
    expect(await device.read('etc/apt.d/vouch.sources')).toBe(
      [
        'Types: deb',
        `URIs: ${server.url}/apt/${manifest().channelId}`,
        'Suites: approved',
        'Components: main',
        `Signed-By: ${device.directory}/etc/apt-key.asc`,
        'Check-Valid-Until: yes',
        'Check-Date: yes',
        '',
      ].join('\n'),
    );
  });

  it('with other bytes than the approved ones is refused, reported, and not tried again', async () => {
    await enrol();
    await device.write('repository/shop-server_2.0_amd64.deb', 'other bytes');
    server.serve(server.seal(manifest()));
    await device.agent('once');
    await device.agent('once');
    expect(await device.read('installed-version')).toBe('1.0');
    expect(reports()).toMatchObject([{ result: 'refused', installed: [] }]);
    expect(reports()[0]?.detail).toContain(`${sha256('other bytes')}, which is not approved`);
  });

  it('that brings along a file nobody approved is refused', async () => {
    await enrol();
    await device.write('repository/surprise_1.0_amd64.deb', 'unknown bytes');
    server.serve(server.seal(manifest()));
    await device.agent('once');
    expect(await device.read('installed-version')).toBe('1.0');
    expect(reports()).toMatchObject([{ result: 'refused' }]);
  });

  it('waits while manifest and repository are not of one version', async () => {
    await enrol();
    await device.write('repository/InRelease', 'an older release file');
    server.serve(server.seal(manifest()));
    expect((await device.agent('once')).output).toContain('not of one version yet');
    expect(await device.read('installed-version')).toBe('1.0');
    expect(reports()).toEqual([]);
  });

  it.each([
    ['before its time', { notBefore: '2998-01-01T00:00:00Z' }],
    ['after its end', { expires: '2026-01-02T00:00:00Z' }],
  ])('is left alone %s', async (_when, change) => {
    await enrol();
    const [entry] = manifest().entries;
    server.serve(server.seal({ ...manifest(), entries: [{ ...entry, ...change }] }));
    await device.agent('once');
    expect(await device.read('installed-version')).toBe('1.0');
    expect(reports()).toEqual([]);
  });

  it('after which a service no longer runs is reported as unhealthy', async () => {
    await enrol();
    await device.write('services-afterwards', '');
    server.serve(server.seal(manifest()));
    await device.agent('once');
    expect(reports()).toMatchObject([
      { result: 'installed', healthy: false, detail: expect.stringContaining('service shop.service runs') },
    ]);
  });

  it('that was there before is reported as installed', async () => {
    await enrol();
    await device.write('installed-version', '2.0');
    server.serve(server.seal(manifest()));
    await device.agent('once');
    await device.agent('once');
    expect(reports()).toMatchObject([{ result: 'installed', healthy: true, detail: 'It was installed before.' }]);
    expect(await device.read('apt-calls')).toBeNull();
  });

  it('older than what the machine has is neither installed nor reported', async () => {
    await enrol();
    await device.write('installed-version', '3.0');
    server.serve(server.seal(manifest()));
    await device.agent('once');
    expect(await device.read('apt-calls')).toBeNull();
    expect(reports()).toEqual([]);
  });

  it('is reported later when the server cannot take the report now', async () => {
    await enrol();
    server.serve(server.seal(manifest()));
    server.answers.set(`POST ${OUTCOMES}`, { status: 503 });
    expect((await device.agent('once')).output).toContain('a report waits to be sent');
    server.answers.delete(`POST ${OUTCOMES}`);
    const before = reports().length;
    await device.agent('once');
    expect(reports().slice(before)).toMatchObject([{ result: 'installed', healthy: true }]);
  });
});

describe('an installation that is interrupted', () => {
  /** The machine loses power while apt is at work, after which it has the new version; the next start begins. */
  const losePower = async (): Promise<void> => {
    await device.write('slow-install', '');
    const run = device.start('once');
    await device.write('power-fails-at', String(run.pid));
    await run.ended;
    while ((await device.read('installed-version')) !== '2.0') await new Promise((resolve) => setTimeout(resolve, 50));
    expect(reports()).toEqual([]);
  };

  it('by a shutdown is judged after the next start, not by what the shutdown has stopped', async () => {
    await enrol();
    await device.write('services-afterwards', '');
    await device.write('system-state', 'stopping\n');
    server.serve(server.seal(manifest()));
    expect((await device.agent('once')).output).toContain('judged after its next start');
    expect(reports()).toEqual([]);
    await device.write('system-state', 'running\n');
    await device.write('services', 'shop.service\n');
    await device.agent('once');
    expect(reports()).toMatchObject([{ result: 'installed', healthy: true, detail: '' }]);
  });

  it('by a loss of power is judged by what ran before it, and never called healthy unseen', async () => {
    await enrol();
    await device.write('services-afterwards', '');
    server.serve(server.seal(manifest()));
    await losePower();
    await device.agent('once');
    await device.agent('once');
    expect(reports()).toMatchObject([
      { result: 'installed', healthy: false, detail: expect.stringContaining('service shop.service runs') },
    ]);
  });

  it('is finished by dpkg first', async () => {
    await enrol();
    server.serve(server.seal(manifest()));
    await losePower();
    await device.write('half-installed', 'shop-server is unpacked but not configured');
    await device.agent('once');
    expect(reports()).toMatchObject([{ result: 'installed', healthy: true }]);
  });

  it('before anything was installed is begun anew', async () => {
    await enrol();
    server.serve(server.seal(manifest()));
    await losePower();
    await device.write('installed-version', '1.0');
    await device.agent('once');
    expect(await device.read('installed-version')).toBe('2.0');
    expect(reports()).toMatchObject([{ result: 'installed', healthy: true }]);
  });
});

describe('the service', () => {
  it('looks at the channel again and again, and ends at once when it is asked to', async () => {
    await enrol();
    const service = device.start('run');
    while (server.sent('GET', MANIFEST).length < 3) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await service.stop()).toMatchObject({ exitCode: 0 });
  });

  it('finishes an installation that has begun before it ends', async () => {
    await enrol();
    await device.write('slow-install', '');
    server.serve(server.seal(manifest()));
    const service = device.start('run');
    while ((await device.read('install-began')) === null) await new Promise((resolve) => setTimeout(resolve, 50));
    await service.stop();
    expect(await device.read('installed-version')).toBe('2.0');
    const waiting = await device.read(`state/outcomes/${manifest().entries[0]?.revisionId}.json`);
    expect(waiting === null ? reports()[0]?.result : 'installed').toBe('installed');
  });
});

describe('the agent’s text', () => {
  const folder = path.resolve(import.meta.dirname, '../../apps/agent/package/usr');
  const checker = ['/usr/bin/shellcheck', '/usr/local/bin/shellcheck'].find((file) => fs.existsSync(file));

  it.skipIf(checker === undefined)('has no fault that shellcheck knows', () => {
    const script = path.join(folder, 'bin/vouch-agent');
    const args = ['--external-sources', '--source-path', path.join(folder, 'bin'), script];
    expect(() => execFileSync(checker ?? '', args, { stdio: 'pipe', encoding: 'utf8' })).not.toThrow();
  });

  it('never runs text as a command', () => {
    const files = fs.readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThanOrEqual(5);
    for (const file of files) {
      expect(fs.readFileSync(path.join(file.parentPath, file.name), 'utf8')).not.toMatch(/\beval\b|\b(ba)?sh -c\b/);
    }
  });
});
