import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { deviceSignatureBase, TRUST_PAYLOAD_TYPE } from '@vouch/contracts';
import { FileKeyStore, firstTrust, seal, trustBytes, TrustStore } from '@vouch/evidence';
import { registerLabRunnerCredential, registerMember, registerMsp, registerTenant } from '@vouch/identity';
import { createLogger, idOf, sha256Hex, shared } from '@vouch/platform';
import { createServer } from '../../apps/api/src/server.js';
import { Services, type ApiConfig } from '../../apps/api/src/services.js';
import { createTestDatabase, testRedisUrl, type TestDatabase } from './database.js';

export const PASSWORD = 'a password of the tests';
export const LAB_TOKEN = `vl_${'t'.repeat(40)}`;
export const METRICS_TOKEN = 'm'.repeat(40);
/** Two consultancies with two customers each. */
export const organisation = ['north', 'south'].map((slug) => ({
  slug,
  id: idOf('test', 'msp', slug),
  boss: `boss@${slug}.example`,
  technician: `technician@${slug}.example`,
  reader: `reader@${slug}.example`,
  tenants: ['one', 'two'].map((name) => ({
    id: idOf('test', 'tenant', slug, name),
    name: `${slug} ${name}`,
    owner: `owner@${name}.${slug}.example`,
  })),
}));

/** The API on a real database, listening on 127.0.0.1. */
export class TestApi {
  private constructor(
    readonly url: string,
    readonly database: TestDatabase,
    readonly dataDir: string,
    readonly app: NestFastifyApplication,
    private readonly services: Services,
  ) {}

  static async start(settings: Partial<ApiConfig> = {}, logger = createLogger('test', 'error')): Promise<TestApi> {
    const database = await createTestDatabase();
    await seed(database);
    const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-api-'));
    await publishTrust(dataDir);
    const services = await Services.connect(
      {
        VOUCH_DATABASE_APP_URL: database.appUrl,
        VOUCH_DATA_DIR: dataDir,
        VOUCH_EVIDENCE_S3_URL: undefined,
        VOUCH_EVIDENCE_S3_REGION: 'us-east-1',
        VOUCH_EVIDENCE_S3_KEY_ID: undefined,
        VOUCH_EVIDENCE_S3_SECRET: undefined,
        VOUCH_TRUSTED_PROXIES: undefined,
        VOUCH_HOST: '127.0.0.1',
        VOUCH_PORT: 1,
        VOUCH_PUBLIC_URL: 'http://127.0.0.1',
        VOUCH_LEASE_SECONDS: 10,
        VOUCH_DEVICE_POLL_SECONDS: 3,
        VOUCH_STRIPE_API_URL: 'http://127.0.0.1:9',
        STRIPE_SECRET_KEY: 'sk_test_tests',
        STRIPE_WEBHOOK_SECRET: 'whsec_tests',
        VOUCH_METRICS_TOKEN: METRICS_TOKEN,
        VOUCH_LOG_LEVEL: 'error',
        REDIS_URL: testRedisUrl(),
        VOUCH_SECRETS_KEY: randomBytes(32).toString('base64'),
        VOUCH_ALLOW_PRIVATE_NETWORK: false,
        VOUCH_RATE_LIMIT_PER_MINUTE: 100_000,
        ...settings,
      },
      logger,
    );
    const app = await createServer(services);
    await app.listen(0, '127.0.0.1');
    return new TestApi(await app.getUrl(), database, dataDir, app, services);
  }

  get secretsKey(): string {
    return this.services.config.VOUCH_SECRETS_KEY;
  }

  async stop(): Promise<void> {
    await this.services.close();
    await this.app.close();
    await this.database.drop();
    fs.rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** A session as somebody has it who just proved every factor, begun without the pages that ask for them. */
  async signIn(email: string): Promise<string> {
    const { sessions, cookie } = this.services.people;
    const { secret } = await sessions.begin(idOf(email), { method: 'passkey', secondFactor: true });
    return `${cookie.name}=${secret}`;
  }

  get(route: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.url + route, { headers });
  }

  post(route: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.url + route, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  async enrolmentToken(tenantId: string, technician: string, ring = 0): Promise<string> {
    const headers = { cookie: await this.signIn(technician), 'x-vouch-csrf': '1' };
    const response = await this.post('/api/v1/enrolment-tokens', { tenantId, ring }, headers);
    return ((await response.json()) as { token: string }).token;
  }
}

/** A trust document as the operator's ceremony makes it, with keys that sign nothing here. */
async function publishTrust(dataDir: string): Promise<void> {
  const keys = new FileKeyStore(path.join(dataDir, 'test-keys'));
  const [root, key] = [await keys.create('root'), await keys.create('any')];
  const validity = { now: new Date(), validDays: 1 };
  const document = firstTrust([root], 1, { manifest: key, verdict: key, audit: key }, 'the apt keys', validity);
  const envelope = await seal(TRUST_PAYLOAD_TYPE, trustBytes(document), root);
  await new TrustStore(path.join(dataDir, 'public-keys/trust')).publish(envelope);
}

async function seed({ platform }: TestDatabase): Promise<void> {
  await platform.transaction(shared, async (tx) => {
    await registerLabRunnerCredential(tx, 'lab', LAB_TOKEN, new Date());
    for (const msp of organisation) {
      await registerMsp(tx, { id: msp.id, name: msp.slug });
      const member = { mspId: msp.id, password: PASSWORD };
      for (const [email, role] of [
        [msp.boss, 'msp-owner'],
        [msp.technician, 'technician'],
        [msp.reader, 'msp-reader'],
      ] as const)
        await registerMember(tx, { ...member, id: idOf(email), tenantId: null, email, name: msp.slug, role });
      for (const tenant of msp.tenants) {
        await registerTenant(tx, { id: tenant.id, mspId: msp.id, name: tenant.name });
        await registerMember(tx, {
          ...member,
          id: idOf(tenant.owner),
          tenantId: tenant.id,
          email: tenant.owner,
          name: tenant.name,
          role: 'tenant-owner',
        });
      }
    }
  });
}

/** A device with a key of its own, as the agent speaks. */
export class TestDevice {
  private readonly keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  identity = { tenantId: '', deviceId: '' };

  constructor(private readonly api: TestApi) {}

  get publicKeyPem(): string {
    return this.keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  }

  async enrol(token: string, name = 'device'): Promise<Response> {
    const response = await this.api.post('/device/v1/enrol', { token, name, publicKeyPem: this.publicKeyPem });
    if (response.ok) this.identity = (await response.clone().json()) as typeof this.identity;
    return response;
  }

  headers(
    method: string,
    route: string,
    body: string,
    changes: { timestamp?: string; nonce?: string; device?: string } = {},
  ): Record<string, string> {
    const timestamp = changes.timestamp ?? String(Math.floor(Date.now() / 1000));
    const nonce = changes.nonce ?? randomBytes(16).toString('hex');
    const digest = sha256Hex(body);
    const base = deviceSignatureBase(method, route, timestamp, nonce, digest);
    return {
      'content-type': 'application/json',
      'x-vouch-device': changes.device ?? `${this.identity.tenantId}.${this.identity.deviceId}`,
      'x-vouch-timestamp': timestamp,
      'x-vouch-nonce': nonce,
      'x-vouch-content-sha256': digest,
      'x-vouch-signature': createSign('sha256').update(base).sign(this.keys.privateKey).toString('base64'),
    };
  }

  send(method: string, route: string, body: unknown, headers?: Record<string, string>): Promise<Response> {
    const text = JSON.stringify(body);
    return fetch(this.api.url + route, { method, body: text, headers: headers ?? this.headers(method, route, text) });
  }
}

export const fingerprint = (
  components: { package: string; version: string; source?: string }[] = [],
  services: string[] = [],
) => ({
  osRelease: { id: 'debian', versionId: '12', codename: 'bookworm' },
  architecture: 'amd64',
  kernel: '6.1.0',
  services,
  components: components.map((c) => ({
    ...c,
    architecture: 'amd64',
    source: c.source ?? c.package,
    sourceVersion: c.version,
  })),
});
