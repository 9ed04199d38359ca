import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DsseEnvelope, KeyPurpose, Overview, RunDetail } from '@vouch/contracts';
import { ChannelManifest, MANIFEST_PAYLOAD_TYPE } from '@vouch/contracts';
import { open, STATEMENT_PAYLOAD_TYPE, TrustStore } from '@vouch/evidence';
import { Database, firstBrokenAuditEntry, shared } from '@vouch/platform';
import { startPostgres } from '../../infra/local/postgres.mjs';
import { startRedis } from '../../infra/local/redis.mjs';
import { takeLayersOf } from '../lab/lab-fixture.js';
import { processesOf, Product } from './product.js';

interface MainJobLine {
  patch: string;
  version: string;
  digests: string[];
  verdict: string;
  tenants: number;
  devices: number;
  cost: { amountMinor: number; currency: string };
  shares: Record<string, number>;
  invoices: string[];
}

const MINUTE = 60_000;

/**
 * The whole way, on real input: the machine's own Debian sources, real machines, a real lab. In the middle of it Redis
 * is emptied, and worker and lab-runner are killed: it completes all the same, and everything happened once (I3, I4).
 */
describe('the main job', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vouch-e2e-'));
  let postgres: Awaited<ReturnType<typeof startPostgres>>;
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let owner: pg.Client;
  let product: Product;
  let job: MainJobLine;
  let env: Record<string, string>;

  const rows = async <T extends object>(sql: string, parameters: unknown[] = []): Promise<T[]> => {
    await owner.query(`set role vouch_platform; set app.job = 'test'`);
    return (await owner.query(sql, parameters)).rows as T[];
  };

  beforeAll(async () => {
    fs.chmodSync(folder, 0o755);
    postgres = await startPostgres({ dir: path.join(folder, 'services/postgres'), throwaway: true });
    redis = await startRedis({ dir: path.join(folder, 'services/redis') });
    env = { DATABASE_URL: postgres.url, REDIS_URL: redis.url, VOUCH_LEASE_SECONDS: '10' };
    owner = new pg.Client({ connectionString: postgres.url });
    await owner.connect();
    product = Product.start(path.join(folder, 'data'), env);
    await product.line(/^Vouch runs at/, 4 * MINUTE);
    await product.signIn();

    await product.overview((o) => o.patches.some((patch) => patch.run?.state === 'running'), 6 * MINUTE);
    const client = new Redis(redis.url);
    await client.flushall();
    await client.quit();
    product.kill('worker');
    product.kill('lab-runner');

    const line = await product.line(/^main job done in/, 8 * MINUTE);
    job = JSON.parse(line.slice(line.indexOf('{'))) as MainJobLine;
  }, 20 * MINUTE);

  afterAll(async () => {
    await product?.stop();
    await takeLayersOf(path.join(folder, 'data/sandbox'));
    await owner?.end();
    await redis?.stop();
    await postgres?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }, 2 * MINUTE);

  it('ends on three tenants and six machines, with a pass, and shares that sum to the cost', () => {
    expect(job).toMatchObject({ tenants: 3, devices: 6, verdict: 'pass' });
    expect(Object.values(job.shares)).toHaveLength(3);
    expect(Object.values(job.shares).reduce((a, b) => a + b, 0)).toBe(job.cost.amountMinor);
    expect(job.invoices).toHaveLength(3);
    expect(new Set(job.invoices).size).toBe(3);
  });

  it('I3: tested each (revision, golden, plan) once, judged each run once, although all tenants needed it', async () => {
    const [twice] = await rows<{ n: string }>(
      'select count(*) as n from (select revision_id, golden_digest, plan_digest from lab_test_run group by 1, 2, 3, generation having count(*) > 1) t',
    );
    expect(Number(twice?.n)).toBe(0);
    const needing = await rows<{ tenants: string }>(
      `select count(distinct n.tenant_id) as tenants from fleet_need n join lab_test_run r on r.revision_id = n.revision_id group by n.revision_id`,
    );
    expect(needing.length).toBeGreaterThan(0);
    for (const { tenants } of needing) expect(Number(tenants)).toBe(3);
  });

  it('I4: the killed run was taken up again, and nothing was metered, invoiced or reported twice', async () => {
    const repeated = await rows<{ attempt: number }>('select attempt from lab_test_run where attempt > 1');
    expect(repeated.length).toBeGreaterThan(0);
    const [unique] = await rows<{ same: boolean }>(
      `select (select count(*) from billing_cost_entry) = (select count(distinct run_id) from billing_cost_entry)
          and not exists (select 1 from lab_test_run r where r.state = 'judged' and (select count(*) from lab_verdict v where v.run_id = r.id) <> 1)
          and not exists (select 1 from billing_statement group by tenant_id, period having count(*) > 1) as same`,
    );
    expect(unique?.same).toBe(true);
    const standIn = JSON.parse(fs.readFileSync(path.join(folder, 'data/stripe-stand-in.json'), 'utf8')) as {
      invoices: Record<string, { total: number; metadata: { vouch_statement_id: string } }>;
    };
    const statements = await rows<{ id: string; total: string; shares: string }>(
      `select s.id, s.total_minor as total, (select sum(amount_minor) from billing_share h where h.statement_id = s.id) as shares
         from billing_statement s`,
    );
    const invoices = Object.values(standIn.invoices);
    expect(invoices.map((invoice) => invoice.metadata.vouch_statement_id).sort()).toEqual(
      statements.map((s) => s.id).sort(),
    );
    for (const statement of statements) {
      expect(statement.shares).toBe(statement.total);
      const [invoice] = invoices.filter((i) => i.metadata.vouch_statement_id === statement.id);
      expect(invoice?.total).toBe(Number(statement.total));
    }
  });

  /** Keys that the root stands for, after following the whole chain of trust documents. */
  const trustedKeys = async (purpose: KeyPurpose): Promise<string[]> => {
    const newest = await new TrustStore(path.join(folder, 'data/public-keys/trust')).newest();
    return (newest?.document.keys ?? []).filter((key) => key.purpose === purpose).map((key) => key.publicKeyPem);
  };

  it('I1: every machine installed exactly the bytes that the signed verdict names', async () => {
    const verdictKeys = await trustedKeys('verdict');
    const overview = await product.get<Overview>('/api/v1/overview');
    const patch = overview.patches.find((p) => p.patch === job.patch && p.version === job.version);
    const run = await product.get<RunDetail>(`/api/v1/runs/${patch?.run?.id}`);
    const statement = JSON.parse(
      open(run.envelope as DsseEnvelope, STATEMENT_PAYLOAD_TYPE, verdictKeys).toString(),
    ) as {
      subject: { digest: { sha256: string } }[];
    };
    const named = statement.subject.map((subject) => subject.digest.sha256).sort();
    expect([...job.digests].sort()).toEqual(named);
    const outcomes = await rows<{ installed: { sha256: string }[] }>(
      `select installed from rollout_outcome where revision_id = $1 and result = 'installed' and healthy`,
      [patch?.revisionId],
    );
    expect(outcomes).toHaveLength(6);
    for (const { installed } of outcomes) for (const { sha256 } of installed) expect(named).toContain(sha256);
    for (const sha256 of named) {
      const bytes = fs.readFileSync(path.join(folder, 'data/artefacts', sha256.slice(0, 2), sha256));
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
    }
  });

  it('published channels whose signed manifests name only tested bytes with a passing verdict', async () => {
    const manifestKeys = await trustedKeys('manifest');
    const channels = await rows<{ envelope: DsseEnvelope }>(
      'select envelope from approval_channel where envelope is not null',
    );
    expect(channels.length).toBeGreaterThanOrEqual(2);
    const tested = new Set(
      (
        await rows<{ sha256: string }>(
          `select t.sha256 from lab_test_run_artefact t join lab_verdict v on v.run_id = t.run_id where v.result = 'pass'`,
        )
      ).map((row) => row.sha256),
    );
    for (const { envelope } of channels) {
      const manifest = ChannelManifest.parse(
        JSON.parse(open(envelope, MANIFEST_PAYLOAD_TYPE, manifestKeys).toString()),
      );
      for (const entry of manifest.entries)
        for (const artefact of entry.artefacts) expect(tested).toContain(artefact.sha256);
    }
  });

  it('opened ring 1 only after ring 0 was healthy', async () => {
    const early = await rows(
      `select o.* from rollout_outcome o
         join fleet_device d on d.tenant_id = o.tenant_id and d.id = o.device_id and d.ring = 1
         join catalog_revision r on r.id = o.revision_id
        where o.detail <> 'It was installed before.' and exists (
          select 1 from rollout_ring z where z.revision_id = o.revision_id and z.cohort_id = d.cohort_id and z.ring = 0 and z.state <> 'healthy')`,
    );
    expect(early).toEqual([]);
  });

  it('opens a portal of the payment provider, with the invoice in it', async () => {
    const overview = await product.get<Overview>('/api/v1/overview');
    const tenant = overview.tenants.find(({ name }) => name === 'Demo Bakery');
    await product.signIn('owner@bakery.example');
    const { url } = await product.post<{ url: string }>(`/api/v1/tenants/${tenant?.id}/portal-session`);
    const page = await (await fetch(url)).text();
    expect(page).toContain(tenant?.name);
    expect(page).toContain(tenant?.statements[0]?.invoiceId);
    expect(page).toContain('No real money');
    await product.signIn();
  });

  it('I9: left an audit chain without a gap', async () => {
    const platformUrl = new URL(postgres.url);
    const database = await Database.connect(platformUrl.toString(), { applicationName: 'e2e', job: 'test' });
    try {
      expect(
        await database.transaction(shared, async (tx) => {
          await tx.query('set local role vouch_platform');
          return firstBrokenAuditEntry(tx);
        }),
      ).toBeNull();
    } finally {
      await database.close();
    }
  });

  it('I6: an owner sees their own business and no other', async () => {
    await product.signIn('owner@bakery.example');
    const overview = await product.get<Overview>('/api/v1/overview');
    expect(overview.tenants.map((tenant) => tenant.name)).toEqual(['Demo Bakery']);
    const text = JSON.stringify(overview);
    expect(text).not.toContain('Dental');
    expect(text).not.toContain('joinery');
  });

  it(
    'stops without leaving a process or a mount behind, and finds its data at the next start',
    async () => {
      const before = await rows<{ id: string }>('select id from fleet_device order by id');
      await product.stop();
      const own = [postgres.pid, redis.pid].map(String);
      const left = processesOf(path.join(folder, 'data')).filter((line) => !own.includes(line.split(' ')[0] ?? ''));
      expect(left).toEqual([]);
      expect(fs.readFileSync('/proc/mounts', 'utf8')).not.toContain(folder);

      product = Product.start(path.join(folder, 'data'), env);
      await product.line(/^Vouch runs at/, MINUTE);
      await product.line(/6 machines are up/, 3 * MINUTE);
      await product.signIn();
      await product.overview((o) => o.tenants.flatMap((t) => t.devices).every((d) => d.lastSeenAt !== null), MINUTE);
      expect(await rows<{ id: string }>('select id from fleet_device order by id')).toEqual(before);
    },
    6 * MINUTE,
  );

  it('writes no secret of the installation, of its keys or of its machines into a log', () => {
    const data = path.join(folder, 'data');
    const files = (directory: string): string[] =>
      fs
        .readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name));
    const machines = path.join(data, 'sandbox/machines');
    const keysOfMachines = fs
      .readdirSync(machines)
      .map((name) => path.join(machines, name, 'files/var/lib/vouch-agent/device.key'));
    const pemLine = /^[A-Za-z0-9+/]{40,}={0,2}$/gm;
    const keyTexts = [...files(path.join(data, 'keys')), ...files(path.join(data, 'root-key')), ...keysOfMachines]
      .map((file) => fs.readFileSync(file, 'utf8'))
      .filter((text) => text.includes('PRIVATE KEY'))
      .flatMap((text) => text.match(pemLine) ?? []);
    const known = JSON.parse(fs.readFileSync(path.join(data, 'keys/secrets.json'), 'utf8')) as Record<string, string>;
    const secrets = [...Object.entries(known), ...keyTexts.map((line) => ['a private key', line] as const)];
    expect(keysOfMachines).toHaveLength(6);
    expect(keyTexts.length).toBeGreaterThan(10);
    const logs = files(path.join(data, 'logs')).filter((file) => file.endsWith('.log'));
    expect(logs.map((file) => path.basename(file)).sort()).toEqual(
      expect.arrayContaining(['api.log', 'lab-runner.log', 'worker.log']),
    );
    const written = logs.map((file) => fs.readFileSync(file, 'utf8')).join('');
    expect(written.length).toBeGreaterThan(1000);
    expect(secrets.filter(([, secret]) => written.includes(secret)).map(([what]) => what)).toEqual([]);
  });
});
